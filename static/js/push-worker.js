// Shows pushes while no page of Marsad is open, and opens the page that they are about. `tag` is the delivery: one that
// comes twice is shown once.
self.addEventListener("push", (event) => {
  const said = event.data?.json();
  if (!said) return;
  event.waitUntil(self.registration.showNotification(said.title, { body: said.body, tag: said.tag, lang: said.lang, dir: said.lang === "ar" ? "rtl" : "ltr", data: { url: said.url } }));
});
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(clients.openWindow(new URL(event.notification.data.url, self.location.origin)));
});
