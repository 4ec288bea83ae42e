// Passkeys (WebAuthn): asks the device for a credential and sends it with the form that has `data-passkey`.
(() => {
  "use strict";
  const words = document.getElementById("strings").dataset;
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const listed = (list) => list?.map((item) => ({ ...item, id: bytes(item.id) }));

  async function made(options) {
    const key = { ...options, challenge: bytes(options.challenge), user: { ...options.user, id: bytes(options.user.id) }, excludeCredentials: listed(options.excludeCredentials) };
    const found = await navigator.credentials.create({ publicKey: key });
    const response = { clientDataJSON: text(found.response.clientDataJSON), attestationObject: text(found.response.attestationObject), transports: found.response.getTransports?.() ?? [] };
    return { id: found.id, rawId: text(found.rawId), type: found.type, response, clientExtensionResults: found.getClientExtensionResults() };
  }

  async function shown(options) {
    const found = await navigator.credentials.get({ publicKey: { ...options, challenge: bytes(options.challenge), allowCredentials: listed(options.allowCredentials) } });
    const { clientDataJSON, authenticatorData, signature, userHandle } = found.response;
    const response = { clientDataJSON: text(clientDataJSON), authenticatorData: text(authenticatorData), signature: text(signature), userHandle: userHandle ? text(userHandle) : null };
    return { id: found.id, rawId: text(found.rawId), type: found.type, response, clientExtensionResults: found.getClientExtensionResults() };
  }

  document.querySelectorAll("form[data-passkey]").forEach((form) => {
    form.hidden = !window.PublicKeyCredential;
    form.addEventListener("submit", async (event) => {
      if (form.elements.credential.value || event.submitter?.hasAttribute("formnovalidate")) return;
      event.preventDefault();
      try {
        const kept = document.getElementById("passkey-options");
        const options = kept ? JSON.parse(kept.textContent) : await (await fetch(form.action, { headers: { Accept: "application/json" } })).json();
        const credential = await (form.dataset.passkey === "create" ? made : shown)(options.publicKey);
        form.elements.credential.value = JSON.stringify(credential);
        form.submit();
      } catch {
        window.marsad.toast(words.passkeyFailed, "danger");
      }
    });
  });
})();
