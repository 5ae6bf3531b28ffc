// Passkeys (WebAuthn): asks the server what to ask the device, and sends what it answers as a form.
"use strict";

const bytes = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

// The standard's JSON forms, which not every browser can make yet by itself.
function options({ publicKey }) {
  const known = (list) => list?.map((one) => ({ ...one, id: bytes(one.id) }));
  const decoded = { ...publicKey, challenge: bytes(publicKey.challenge) };
  if (publicKey.user) {
    decoded.user = { ...publicKey.user, id: bytes(publicKey.user.id) };
    decoded.excludeCredentials = known(publicKey.excludeCredentials);
  } else {
    decoded.allowCredentials = known(publicKey.allowCredentials);
  }
  return { publicKey: decoded };
}

function json(credential) {
  const { response } = credential;
  const answer = { clientDataJSON: text(response.clientDataJSON) };
  for (const part of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (response[part]) answer[part] = text(response[part]);
  }
  if (response.getTransports) answer.transports = response.getTransports();
  return JSON.stringify({
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    response: answer,
    clientExtensionResults: {},
  });
}

// What the person chose beside it matters to the question; a form that is kept does not.
function question(form) {
  const fields = new URLSearchParams(new FormData(form));
  fields.delete("step_up_form");
  return fields;
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  const button = form.querySelector("button");
  const problem = form.querySelector("[data-passkey-problem]");
  const say = (what) => {
    problem.textContent = what ? problem.dataset[what] : "";
    problem.hidden = !what;
  };

  button.hidden = false;
  if (!window.PublicKeyCredential) {
    button.disabled = true;
    say("unsupported");
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    say("");
    try {
      const asked = await fetch(form.dataset.options, {
        method: "POST",
        body: question(form),
      });
      const type = asked.headers.get("content-type") ?? "";
      if (asked.redirected || asked.status === 403) return location.reload();
      if (!asked.ok || !type.startsWith("application/json")) {
        return say(asked.status === 429 ? "throttled" : "failed");
      }
      const said = await asked.json();
      const credential = form.dataset.passkey === "create"
        ? await navigator.credentials.create(options(said))
        : await navigator.credentials.get(options(said));
      form.elements.ceremony.value = said.ceremony;
      form.elements.answer.value = json(credential);
      const { ceremony, answer, step_up: shown } = form.elements;
      // A form that takes whatever is shown has one field for it.
      if (shown) shown.value = JSON.stringify({ ceremony: ceremony.value, answer: answer.value });
      form.submit();
    } catch (error) {
      say({ NotAllowedError: "cancelled", InvalidStateError: "known" }[error.name] ?? "failed");
    } finally {
      button.disabled = false;
    }
  });
}
