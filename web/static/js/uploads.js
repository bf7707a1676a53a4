// Uploads in pieces with a bar: they go on where they stopped after a lost connection, and after the page was closed if
// the same file is chosen again within a day. Without this file the form sends its files whole.
"use strict";

const RETRIES_S = [1, 2, 5, 10, 20, 30];

function uploadKey(form, file) {
  return ["upload", form.dataset.subjectType, form.dataset.subjectId, file.name, file.size, file.lastModified].join(":");
}

function remember(key, id) {
  try {
    if (id) localStorage.setItem(key, id);
    else localStorage.removeItem(key);
  } catch {
    // Storage that is full or forbidden: this upload cannot be taken up again later, no more.
  }
}

function remembered(key) {
  try { return localStorage.getItem(key); } catch { return null; }
}

class Refused extends Error {}

class Sender {
  constructor(form, file, controller, show) {
    this.form = form;
    this.file = file;
    this.controller = controller;
    this.show = show;
    this.key = uploadKey(form, file);
    this.token = form.elements._csrf_token.value;
  }

  async ask(path, options = {}) {
    const answer = await fetch(path, {
      ...options,
      signal: this.controller.signal,
      headers: { accept: "application/json", "x-csrftoken": this.token, ...(options.headers || {}) },
    });
    const body = (answer.headers.get("content-type") || "").includes("json") ? await answer.json() : {};
    return { status: answer.status, body };
  }

  static messageOf(body, otherwise) {
    return body.message || body.detail || body.title || otherwise;
  }

  // What the server refuses is said; what did not reach it, or broke there, is tried again.
  checked({ status, body }) {
    if (status >= 500) throw new TypeError("server");
    if (status >= 400) throw new Refused(Sender.messageOf(body, this.form.dataset.failed));
    return body;
  }

  async begin() {
    const known = remembered(this.key);
    if (known) {
      const { status, body } = await this.ask(`/uploads/${known}`);
      if (status === 200 && body.size === this.file.size) return body;
      remember(this.key, null);
    }
    const fields = new URLSearchParams({
      subject_type: this.form.dataset.subjectType,
      subject_id: this.form.dataset.subjectId,
      size: this.file.size,
    });
    const begun = this.checked(await this.ask("/uploads", { method: "POST", body: fields }));
    remember(this.key, begun.id);
    return begun;
  }

  async send() {
    let state = await this.patiently(() => this.begin());
    while (state.offset < this.file.size) {
      this.show(state.offset);
      const offset = state.offset;
      const piece = this.file.slice(offset, offset + state.piece_bytes);
      state = await this.patiently(async () => {
        const answer = await this.ask(`/uploads/${state.id}/pieces?offset=${offset}`, {
          method: "POST",
          body: piece,
          headers: { "content-type": "application/octet-stream" },
        });
        // It stands elsewhere: another window sends it too, or an answer was lost on the way.
        if (answer.status === 409 && Number.isInteger(answer.body.offset)) {
          return { ...state, offset: answer.body.offset };
        }
        return this.checked(answer);
      });
    }
    this.show(this.file.size);
    const fields = new URLSearchParams({ name: this.file.name });
    const finished = this.checked(await this.ask(`/uploads/${state.id}/finish`, { method: "POST", body: fields }));
    remember(this.key, null);
    return finished.location;
  }

  async patiently(act) {
    for (let tries = 0; ; tries += 1) {
      try {
        return await act();
      } catch (error) {
        if (error instanceof Refused) remember(this.key, null);
        if (!(error instanceof TypeError) || tries >= RETRIES_S.length) throw error;
        this.show(null, this.form.dataset.waiting);
        await new Promise((resolve) => setTimeout(resolve, RETRIES_S[tries] * 1000));
        this.controller.signal.throwIfAborted();
      }
    }
  }
}

async function uploadAll(form) {
  const box = form.querySelector("[data-progress]");
  const bar = box.querySelector("progress");
  const percent = box.querySelector("[data-percent]");
  const note = box.querySelector("[data-note]");
  const fault = form.querySelector("[data-error]");
  const input = form.elements.file;
  const controller = new AbortController();
  const buttons = form.querySelectorAll("button:not([data-stop])");
  const stop = box.querySelector("[data-stop]");
  const files = [...input.files];
  const all = files.reduce((sum, file) => sum + file.size, 0) || 1;
  let before = 0;
  let location = null;
  const show = (sent, text = "") => {
    if (sent !== null) {
      bar.value = Math.floor(((before + sent) * 100) / all);
      percent.textContent = bar.value + " %";
    }
    note.textContent = text;
  };
  fault.classList.remove("d-block");
  input.classList.remove("is-invalid");
  box.classList.remove("d-none");
  stop.disabled = false;
  stop.onclick = () => controller.abort();
  buttons.forEach((button) => { button.disabled = true; });
  try {
    for (const file of files) {
      location = await new Sender(form, file, controller, show).send();
      before += file.size;
    }
  } catch (error) {
    if (error.name !== "AbortError") {
      fault.textContent = error instanceof Refused ? error.message : form.dataset.failed;
      fault.classList.add("d-block");
      input.classList.add("is-invalid");
    }
  }
  box.classList.add("d-none");
  buttons.forEach((button) => { button.disabled = false; });
  if (!location) return;
  const target = form.dataset.refresh;
  if (target && window.htmx) {
    const message = fault.classList.contains("d-block") ? fault.textContent : "";
    await window.htmx.ajax("GET", location.split("#")[0], { target, select: target, swap: "outerHTML" });
    if (message) {
      const again = document.querySelector(`${target} [data-error]`);
      again.textContent = message;
      again.classList.add("d-block");
    }
  } else if (!fault.classList.contains("d-block")) {
    window.location.assign(location);
    window.location.reload();
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.hasAttribute("data-upload") || !window.fetch || !form.elements.file.files.length) return;
  event.preventDefault();
  // After the handler that keeps a second click from sending twice.
  window.setTimeout(() => uploadAll(form), 0);
});
