// Pushes to this browser: asks for leave, subscribes at the browser's push service, tells the server.
(() => {
  "use strict";
  const box = document.querySelector("[data-push]");
  if (!box || !("serviceWorker" in navigator) || !("PushManager" in window)) { box?.remove(); return; }
  const on = box.querySelector("[data-push-on]");
  const off = box.querySelector("[data-push-off]");
  const said = box.querySelector("[data-push-said]");
  const csrf = document.querySelector('meta[name="csrf-token"]').content;
  const tell = (body) => fetch(box.dataset.push, { method: "POST", headers: { "Content-Type": "application/json", "X-CSRFToken": csrf }, body: JSON.stringify(body) });
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
  const registered = () => navigator.serviceWorker.getRegistration(box.dataset.worker);
  function show(subscribed) {
    on.hidden = subscribed;
    off.hidden = !subscribed;
    said.textContent = subscribed ? said.dataset.on : "";
  }
  registered().then((worker) => worker?.pushManager.getSubscription()).then((subscription) => show(!!subscription));
  on.addEventListener("click", async () => {
    try {
      if ((await Notification.requestPermission()) !== "granted") throw new Error("denied");
      const worker = await navigator.serviceWorker.register(box.dataset.worker);
      while (!worker.active) await new Promise((resolve) => setTimeout(resolve, 100));
      const subscription = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(box.dataset.key) });
      const answer = await tell(subscription.toJSON());
      if (!answer.ok) { await subscription.unsubscribe(); throw new Error("refused"); }
      show(true);
    } catch { said.textContent = said.dataset.denied; }
  });
  off.addEventListener("click", async () => {
    const subscription = await (await registered())?.pushManager.getSubscription();
    if (subscription) { await tell({ end: true, endpoint: subscription.endpoint }); await subscription.unsubscribe(); }
    show(false);
  });
})();
