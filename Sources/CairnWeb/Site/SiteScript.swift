/// The one script: it follows the log and puts what changed in place of what is shown. Every page works without it.
package enum SiteScript {
    package static let javascript: [UInt8] = Array("\(text)".utf8)

    private static let text: StaticString = #"""
        // Follows the log: on each event the page is asked for again and <main> is replaced, keeping what the reader
        // has opened, typed, selected and scrolled to.
        "use strict";
        (() => {
          const main = () => document.getElementById("main");
          const status = document.getElementById("freshness");
          const address = main() && main().dataset.live;
          const offset = () => Date.now() - skew;
          const made = document.querySelector("#freshness time");
          // The server's clock counts, not the reader's.
          const skew = made ? Date.now() - Date.parse(made.dateTime) : 0;
          let asOf = made ? made.textContent : "";
          let timer = null, due = 0, isLoading = false, isStale = false, isLost = false, last = 0;
          let leaving = new AbortController();
          const pauseMs = 1000, bulkPauseMs = 15000;
          const isBulk = /^event: *(cairn|observed)\.(samples|series|flows)\./;

          const say = (state, words) => {
            if (!status || (status.dataset.state === state && status.textContent === words)) return;
            status.dataset.state = state;
            status.textContent = words;
          };
          const sayLive = () => { isLost = false; say("live", "live"); };
          const sayLost = () => { isLost = true; say("lost", "reconnecting, data as of " + asOf); };

          // What names a thing in both the old and the new page.
          const keyOf = (element) => {
            if (element.id) return "#" + element.id;
            const form = element.closest("form");
            if (element.name && form) return form.getAttribute("action") + " " + element.name + " " + (form.elements.phase ? form.elements.phase.value : "");
            const link = element.getAttribute("href");
            if (link) return link + " " + element.textContent;
            const details = element.closest("details");
            return details ? "summary " + (details.id || details.textContent.slice(0, 60)) : null;
          };
          const find = (root, key) => {
            if (key === null) return null;
            if (key[0] === "#") return document.getElementById(key.slice(1));
            for (const one of root.querySelectorAll("a[href],button,input,select,textarea,summary")) if (keyOf(one) === key) return one;
            return null;
          };
          const fields = (root) => root.querySelectorAll("input:not([type=hidden]),textarea,select");
          const opened = (details) => details.id || (details.querySelector("summary") || details).textContent;

          const swap = (text) => {
            const next = new DOMParser().parseFromString(text, "text/html");
            const fresh = next.getElementById("main"), old = main();
            if (!fresh || !old) return;
            const time = next.querySelector("#freshness time");
            if (time) asOf = time.textContent;
            if (fresh.innerHTML === old.innerHTML) return;
            const active = old.contains(document.activeElement) ? document.activeElement : null;
            const key = active && keyOf(active);
            const caret = active && "selectionStart" in active ? [active.selectionStart, active.selectionEnd] : null;
            const isTouched = (one) => one.tagName === "SELECT" ? [...one.options].some((option) => option.selected !== option.defaultSelected) : one.value !== one.defaultValue;
            const changed = new Map([...fields(old)].filter(isTouched).map((one) => [keyOf(one), one.tagName === "SELECT" ? one.selectedIndex : one.value]));
            const open = new Map([...old.querySelectorAll("details")].map((one) => [opened(one), one.open]));
            const places = new Map([...old.querySelectorAll(".scroll,.command")].map((one, index) => [index, [one.scrollLeft, one.scrollTop]]));
            const rows = new Set([...old.querySelectorAll("tr[id],li[id]")].map((one) => one.id));
            const top = window.scrollY;
            old.replaceChildren(...fresh.childNodes);
            for (const one of old.querySelectorAll("details")) if (open.has(opened(one))) one.open = open.get(opened(one));
            for (const one of fields(old)) {
              const value = changed.get(keyOf(one));
              if (value !== undefined) one[one.tagName === "SELECT" ? "selectedIndex" : "value"] = value;
            }
            [...old.querySelectorAll(".scroll,.command")].forEach((one, index) => { const place = places.get(index); if (place) [one.scrollLeft, one.scrollTop] = place; });
            if (rows.size) for (const one of old.querySelectorAll("tr[id],li[id]")) if (!rows.has(one.id)) one.classList.add("fresh");
            const focused = key && find(old, key);
            if (focused) { focused.focus({ preventScroll: true }); if (caret && caret[0] !== null) try { focused.setSelectionRange(caret[0], caret[1]); } catch { /* a field without a caret */ } }
            window.scrollTo(window.scrollX, top);
            document.title = next.title;
          };

          const load = async () => {
            timer = null;
            if (isLoading || document.hidden) { isStale = true; return; }
            isLoading = true; isStale = false; last = Date.now();
            try {
              const answer = await fetch(location.href, { headers: { accept: "text/html" }, credentials: "same-origin", cache: "no-store" });
              if (answer.redirected && new URL(answer.url).pathname !== location.pathname) say("lost", "logged out: load the page again");
              else if (answer.ok) { swap(await answer.text()); sayLive(); }
              else sayLost();
            } catch { sayLost(); }
            isLoading = false;
            if (isStale && !document.hidden) plan();
          };
          // At most one look a second, however many events arrive; samples and flow logs arrive all the time and change little.
          const plan = (isSlow) => {
            const at = Math.max(Date.now() + 60, last + (isSlow ? bulkPauseMs : pauseMs));
            if (timer !== null && due <= at) return;
            clearTimeout(timer);
            due = at;
            timer = setTimeout(load, at - Date.now());
          };

          // The log as server-sent events. Read by hand: EventSource hears only types of events that it knows by name, and
          // does not say that a session has ended.
          const follow = async () => {
            for (let waitMs = 1000; ; waitMs = Math.min(2 * waitMs, 15000)) {
              try {
                const answer = await fetch(address, { headers: { accept: "text/event-stream" }, credentials: "same-origin", cache: "no-store", signal: leaving.signal });
                if (answer.status === 401 || answer.status === 403) return say("lost", "logged out: load the page again");
                if (answer.ok) {
                  if (isLost) plan();
                  sayLive();
                  waitMs = 500;
                  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
                  let rest = "";
                  for (let part = await reader.read(); !part.done; part = await reader.read()) {
                    const lines = (rest + part.value).split("\n");
                    rest = lines.pop();
                    for (const line of lines) if (line.startsWith("event:")) plan(isBulk.test(line));
                  }
                }
              } catch { /* the server is away; it is asked again */ }
              if (leaving.signal.aborted) return;
              sayLost();
              await new Promise((done) => setTimeout(done, waitMs));
            }
          };
          if (address && window.TextDecoderStream) {
            follow();
            document.addEventListener("visibilitychange", () => { if (!document.hidden && isStale) plan(); });
            window.addEventListener("pagehide", () => leaving.abort());
            window.addEventListener("pageshow", (event) => { if (event.persisted) { leaving = new AbortController(); follow(); plan(); } });
          }

          // Ages go on by themselves.
          const age = (then) => {
            const seconds = Math.floor((offset() - then) / 1000), size = Math.abs(seconds);
            const hours = Math.floor(size / 3600), minutes = Math.floor(size / 60) % 60;
            const text = size < 60 ? size + "s" : size < 3600 ? minutes + "m" : size < 86400 ? (minutes ? hours + "h " + minutes + "m" : hours + "h")
              : size < 864000 && hours % 24 ? Math.floor(hours / 24) + "d " + (hours % 24) + "h" : Math.floor(hours / 24) + "d";
            return seconds < 0 ? "in " + text : text + " ago";
          };
          if (address) setInterval(() => { if (!document.hidden) for (const one of document.querySelectorAll("time.age")) one.textContent = age(Date.parse(one.dateTime)); }, 10000);

          // Arrow keys in a heat map.
          document.addEventListener("keydown", (event) => {
            const cell = event.target.closest && event.target.closest(".heat td, .heat th");
            const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
            if (!cell || !steps || event.altKey || event.ctrlKey || event.metaKey) return;
            let row = cell.parentElement, column = cell.cellIndex;
            for (let left = 60; left > 0; left--) {
              if (steps[0]) row = steps[0] < 0 ? row.previousElementSibling : row.nextElementSibling; else column += steps[1];
              const next = row && row.cells[column];
              if (!next) return;
              const link = next.querySelector("a");
              if (link) { event.preventDefault(); link.focus(); return; }
            }
          });
        })();

        """#
}
