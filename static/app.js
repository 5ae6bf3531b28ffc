// Progressive enhancement only: every page works without this file.
"use strict";

// The key that is shown once: a copy button, hidden where there is no script.
for (const button of document.querySelectorAll("[data-copy]")) {
  const source = document.getElementById(button.dataset.copy);
  const status = button.closest(".field").querySelector("[data-copy-status]");
  button.hidden = false;
  button.addEventListener("click", async () => {
    source.select();
    try {
      await navigator.clipboard.writeText(source.value);
    } catch {
      document.execCommand("copy");
    }
    status.textContent = button.dataset.done;
  });
}

// A file goes into the field beside it, where one can see what will be sent.
for (const part of document.querySelectorAll("[data-file-for]")) {
  const target = document.getElementById(part.dataset.fileFor);
  const file = part.querySelector("input[type=file]");
  part.hidden = false;
  file.addEventListener("change", async () => {
    if (file.files.length > 0) target.value = await file.files[0].text();
  });
}

// Times are written in UTC; the tooltip says them in the reader's zone.
const local = new Intl.DateTimeFormat(document.documentElement.lang, {
  dateStyle: "full",
  timeStyle: "long",
});
for (const time of document.querySelectorAll("time[datetime]")) {
  const at = new Date(time.dateTime);
  if (!Number.isNaN(at.valueOf())) {
    time.title = `${document.body.dataset.localTime} ${local.format(at)}`;
  }
}

// On a phone the tabs are a strip that scrolls: show where one is.
for (const here of document.querySelectorAll(".tabs [aria-current]")) {
  here.scrollIntoView({ block: "nearest", inline: "center" });
}
