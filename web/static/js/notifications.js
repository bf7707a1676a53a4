// Keeps the bell up to date by server-sent events. Without this file its number is as old as the page.
"use strict";

(() => {
  const bell = document.getElementById("bell");
  if (!bell || !window.EventSource) return;
  let source = null;
  let isFollowing = false;

  function show(unread) {
    const count = bell.querySelector(".bell-count");
    count.textContent = unread > 99 ? "99+" : String(unread);
    count.hidden = unread === 0;
    bell.setAttribute("aria-label", unread ? `${bell.dataset.some} ${count.textContent}` : bell.dataset.none);
  }

  function open() {
    if (source) return;
    source = new EventSource(bell.dataset.stream);
    source.addEventListener("unread", (event) => {
      const { unread } = JSON.parse(event.data);
      show(unread);
      // The first event mostly tells what the page knows already, unless something came while it was loading; the ones
      // after it tell that something has changed.
      if (isFollowing || unread !== Number(bell.dataset.unread)) {
        document.body.dispatchEvent(new Event("notifications-changed"));
      }
      isFollowing = true;
    });
    source.addEventListener("ended", () => {
      close();
      document.removeEventListener("visibilitychange", follow);
    });
  }

  function close() {
    if (source) source.close();
    source = null;
  }

  // Browsers allow few connections to one server over all tabs: a page that nobody looks at holds none.
  function follow() {
    if (document.visibilityState === "visible") open();
    else close();
  }

  document.addEventListener("visibilitychange", follow);
  window.addEventListener("pagehide", close);
  window.addEventListener("pageshow", follow);
  follow();
})();
