// The audit log's pages with script: completion, the live view, keys. All of them work without.
"use strict";

// Waits for a page that goes on by itself.
const waiting = document.querySelector("[data-reload]");
if (waiting) {
  setTimeout(() => location.reload(), Number(waiting.dataset.reload));
}

// Completion of the search, as a combobox (WAI-ARIA 1.2): arrows choose, Enter or Tab takes,
// Escape puts it away.
const box = document.querySelector("[data-suggest]");
if (box) {
  const list = document.createElement("ul");
  list.id = "suggestions";
  list.className = "suggestions";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", box.dataset.suggestLabel);
  list.hidden = true;
  box.parentElement.append(list);
  box.setAttribute("role", "combobox");
  box.setAttribute("aria-autocomplete", "list");
  box.setAttribute("aria-controls", list.id);
  box.setAttribute("aria-expanded", "false");

  let found = null;
  let chosen = -1;
  let asked = 0;
  let timer = 0;

  const close = () => {
    list.hidden = true;
    found = null;
    chosen = -1;
    box.setAttribute("aria-expanded", "false");
    box.removeAttribute("aria-activedescendant");
  };
  const choose = (at) => {
    chosen = at;
    [...list.children].forEach((item, index) => {
      item.setAttribute("aria-selected", String(index === at));
    });
    const item = list.children[at];
    if (item) {
      box.setAttribute("aria-activedescendant", item.id);
      item.scrollIntoView({ block: "nearest" });
    } else {
      box.removeAttribute("aria-activedescendant");
    }
  };
  const take = (at) => {
    const { from, to, items } = found;
    const text = items[at].text;
    const open = text.endsWith(":") || text.endsWith(".") || text.endsWith(" ");
    const rest = box.value.slice(to).replace(/^\s+/, "");
    const before = box.value.slice(0, from) + text + (open ? "" : " ");
    box.value = before + rest;
    box.setSelectionRange(before.length, before.length);
    close();
    box.focus();
    look();
  };
  const show = (suggestions) => {
    found = suggestions;
    chosen = -1;
    list.replaceChildren(
      ...suggestions.items.map(({ text, meaning }, at) => {
        const item = document.createElement("li");
        item.id = `suggestion-${at}`;
        item.setAttribute("role", "option");
        item.setAttribute("aria-selected", "false");
        const code = document.createElement("code");
        code.textContent = text;
        const words = document.createElement("span");
        words.textContent = meaning;
        item.append(code, words);
        item.addEventListener("pointerdown", (event) => {
          event.preventDefault();
          take(at);
        });
        return item;
      }),
    );
    list.hidden = suggestions.items.length === 0;
    box.setAttribute("aria-expanded", String(!list.hidden));
    box.removeAttribute("aria-activedescendant");
  };
  const look = () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const mine = ++asked;
      const query = new URLSearchParams({ q: box.value, at: String(box.selectionStart) });
      try {
        const answer = await fetch(`${box.dataset.suggest}?${query}`, { redirect: "error" });
        const suggestions = answer.ok ? await answer.json() : null;
        if (mine === asked && suggestions && document.activeElement === box) {
          show(suggestions);
        }
      } catch {
        close();
      }
    }, 200);
  };
  box.addEventListener("input", look);
  box.addEventListener("blur", () => {
    asked += 1;
    close();
  });
  box.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" && list.hidden) {
      look();
      event.preventDefault();
    } else if (!list.hidden && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      const count = list.children.length;
      const step = event.key === "ArrowDown" ? 1 : -1;
      choose(chosen < 0 && step < 0 ? count - 1 : (chosen + step + count) % count);
      event.preventDefault();
    } else if (!list.hidden && event.key === "Escape") {
      close();
      event.preventDefault();
    } else if (!list.hidden && chosen >= 0 && (event.key === "Enter" || event.key === "Tab")) {
      take(chosen);
      event.preventDefault();
    }
  });
}

// Once the focus is in the rows, arrows (or j and k) go from one to the next.
const rows = document.querySelector("[data-rows] tbody");
rows?.addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
  if (!step || event.ctrlKey || event.metaKey || event.altKey) {
    return;
  }
  const links = [...rows.querySelectorAll("a.title")];
  const next = links[links.indexOf(event.target.closest("tr")?.querySelector("a.title")) + step];
  if (next) {
    next.focus();
    event.preventDefault();
  }
});

// The live view: rows come over a WebSocket; when that fails, the page reloads.
const live = document.querySelector("[data-live]");
if (live && rows) {
  const RELOAD = 10_000;
  const KEPT = 500;
  const status = live.querySelector("[data-live-status]");
  const say = (text) => {
    if (status.textContent !== text) {
      status.textContent = text;
    }
  };
  const source = new URL(live.dataset.live, location.href);
  source.protocol = "wss:";
  let socket = null;
  try {
    socket = new WebSocket(source);
  } catch {
    setTimeout(() => location.reload(), RELOAD);
  }
  socket?.addEventListener("open", () => {
    live.classList.add("on");
    say(status.dataset.liveOn);
  });
  socket?.addEventListener("message", (event) => {
    const news = JSON.parse(event.data);
    const part = document.createElement("template");
    part.innerHTML = news.rows;
    const fresh = [...part.content.querySelectorAll("tr")];
    for (const row of fresh) {
      row.classList.add("fresh");
    }
    rows.prepend(...fresh);
    while (rows.children.length > KEPT) {
      rows.lastElementChild.remove();
    }
    if (news.more) {
      say(live.dataset.liveMore);
    }
  });
  socket?.addEventListener("close", (event) => {
    live.classList.remove("on");
    const why = { time: live.dataset.liveTime, rights: live.dataset.liveRights }[event.reason];
    if (why) {
      say(why);
    } else if (event.wasClean && event.code !== 1001) {
      say(live.dataset.liveEnded);
    } else {
      say(live.dataset.liveLost);
      setTimeout(() => location.reload(), RELOAD);
    }
  });
  addEventListener("pagehide", () => socket?.close());
}
