// Live events. One socket for the organisation, one for the person, one for a page's own subject; each message is the envelope
// {type, entity, id, organizationId, data, at} and becomes the DOM event `marsad:<type>` on the body, so that an
// element may say hx-trigger="marsad:sample.changed from:body throttle:1s".
(() => {
  "use strict";
  if (!("live" in document.body.dataset)) return;
  const FIRST_WAIT = 1000;
  const LONGEST_WAIT = 60000;
  const NOTICE_AFTER = 5000;
  // Close codes: 4401 not authenticated, 4403 not allowed. Trying again would not help.
  const FINAL = new Set([4401, 4403]);
  const offline = document.getElementById("offline");
  const sockets = [];

  class Live {
    constructor(path) {
      this.path = path;
      this.wait = FIRST_WAIT;
      this.since = "";
      this.socket = null;
      this.timer = 0;
      this.final = false;
    }

    get connected() { return this.final || this.socket?.readyState === WebSocket.OPEN; }

    open() {
      clearTimeout(this.timer);
      if (this.final || document.hidden || (this.socket && this.socket.readyState <= WebSocket.OPEN)) return;
      const url = new URL(this.path, location.href);
      url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
      if (this.since) url.searchParams.set("since", this.since);
      this.socket = new WebSocket(url);
      this.socket.addEventListener("open", () => { this.wait = FIRST_WAIT; notice(); });
      this.socket.addEventListener("message", (event) => this.receive(event.data));
      this.socket.addEventListener("close", (event) => {
        this.final = FINAL.has(event.code);
        this.later();
        notice();
      });
    }

    // Random part: after a restart of the server not all browsers come back in the same moment.
    later() {
      if (this.final || document.hidden) return;
      this.timer = setTimeout(() => this.open(), this.wait * (0.5 + Math.random()));
      this.wait = Math.min(this.wait * 2, LONGEST_WAIT);
    }

    receive(text) {
      let event;
      try { event = JSON.parse(text); } catch { return; }
      if (!event.type) return;
      if (event.at) this.since = event.at;
      if (document.hidden) { unseen.set(event.type, event); return; }
      show(event);
    }
  }

  // A hidden page stays quiet: the last event of each type is told when the reader comes back.
  const unseen = new Map();
  function show(event) {
    if (event.html) replace(event.html);
    document.body.dispatchEvent(new CustomEvent(`marsad:${event.type}`, { detail: event }));
    // For what is about one record: htmx would need `eval` to look into the event.
    if (event.id) document.body.dispatchEvent(new CustomEvent(`marsad:${event.type}:${event.id}`, { detail: event }));
    const said = event.data?.notice;
    if (said) window.marsad.toast(said.text ?? said, said.level ?? "info");
  }
  // What the server drew takes the place of the elements with the same ids.
  function replace(html) {
    const drawn = document.createElement("template");
    drawn.innerHTML = html;
    for (const element of [...drawn.content.children]) document.getElementById(element.id)?.replaceWith(element);
  }

  // Shown when a socket stays down for five seconds: a short break is nobody's concern.
  let noticeTimer = 0;
  function notice() {
    if (sockets.every((live) => live.connected)) {
      clearTimeout(noticeTimer);
      noticeTimer = 0;
      offline.hidden = true;
    } else if (!noticeTimer) {
      noticeTimer = setTimeout(() => { noticeTimer = 0; offline.hidden = document.hidden || sockets.every((live) => live.connected); }, NOTICE_AFTER);
    }
  }

  // An element with `data-live-path` is about something that has a socket of its own, a project.
  const own = new Set([...document.querySelectorAll("[data-live-path]")].map((element) => element.dataset.livePath));
  for (const path of ["/ws/org/", "/ws/notifications/?format=html", ...own]) sockets.push(new Live(path));
  const openAll = () => { sockets.forEach((live) => { live.wait = FIRST_WAIT; live.open(); }); notice(); };
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    for (const event of [...unseen.values()]) show(event);
    unseen.clear();
    openAll();
  });
  window.addEventListener("online", openAll);
  openAll();
})();
