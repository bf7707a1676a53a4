// Uploads in pieces with a bar: they go on where they stopped after a lost connection, and after the page was closed if
// the same file is chosen again within a day. Files of a form that holds more than files are sent before it; the form then
// names them. Without this file the form sends its files whole.
"use strict";

const RETRIES_S = [1, 2, 5, 10, 20, 30];

function uploadKey(part, file) {
  return ["upload", part.dataset.subjectType, part.dataset.subjectId, file.name, file.size, file.lastModified].join(":");
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
  constructor(part, file, controller, show) {
    this.part = part;
    this.file = file;
    this.controller = controller;
    this.show = show;
    this.key = uploadKey(part, file);
    this.token = part.closest("form").elements._csrf_token.value;
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
    if (status >= 400) throw new Refused(Sender.messageOf(body, this.part.dataset.failed));
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
      subject_type: this.part.dataset.subjectType,
      subject_id: this.part.dataset.subjectId,
      size: this.file.size,
    });
    const begun = this.checked(await this.ask("/uploads", { method: "POST", body: fields }));
    remember(this.key, begun.id);
    return begun;
  }

  // All pieces; answers with the upload, which waits to be finished.
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
    return state.id;
  }

  async finish(id) {
    const fields = new URLSearchParams({ name: this.file.name });
    const finished = this.checked(await this.ask(`/uploads/${id}/finish`, { method: "POST", body: fields }));
    this.forget();
    return finished.location;
  }

  forget() {
    remember(this.key, null);
  }

  async patiently(act) {
    for (let tries = 0; ; tries += 1) {
      try {
        return await act();
      } catch (error) {
        if (error instanceof Refused) remember(this.key, null);
        if (!(error instanceof TypeError) || tries >= RETRIES_S.length) throw error;
        this.show(null, this.part.dataset.waiting);
        await new Promise((resolve) => setTimeout(resolve, RETRIES_S[tries] * 1000));
        this.controller.signal.throwIfAborted();
      }
    }
  }
}

// Sends the chosen files of a part; answers with what `done` makes of each, in their order. Throws what broke it off.
async function sendAll(part, input, done) {
  const box = part.querySelector("[data-progress]");
  const bar = box.querySelector("progress");
  const percent = box.querySelector("[data-percent]");
  const note = box.querySelector("[data-note]");
  const stop = box.querySelector("[data-stop]");
  const controller = new AbortController();
  const files = [...input.files];
  const all = files.reduce((sum, file) => sum + file.size, 0) || 1;
  let before = 0;
  const show = (sent, text = "") => {
    if (sent !== null) {
      bar.value = Math.floor(((before + sent) * 100) / all);
      percent.textContent = bar.value + " %";
    }
    note.textContent = text;
  };
  box.classList.remove("d-none");
  stop.disabled = false;
  stop.onclick = () => controller.abort();
  try {
    for (const file of files) {
      const sender = new Sender(part, file, controller, show);
      await done(sender, await sender.send());
      before += file.size;
    }
  } finally {
    box.classList.add("d-none");
  }
}

function tell(part, input, text) {
  const fault = part.querySelector("[data-error]");
  fault.textContent = text;
  fault.classList.toggle("d-block", Boolean(text));
  input.classList.toggle("is-invalid", Boolean(text));
}

function messageFor(part, error) {
  if (error.name === "AbortError") return "";
  return error instanceof Refused ? error.message : part.dataset.failed;
}

// Each file is added when it is there.
async function addFiles(part, input) {
  let location = null;
  let message = "";
  try {
    await sendAll(part, input, async (sender, id) => { location = await sender.finish(id); });
  } catch (error) {
    message = messageFor(part, error);
    tell(part, input, message);
  }
  if (!location) return;
  const target = part.dataset.refresh;
  if (target && window.htmx) {
    await window.htmx.ajax("GET", location.split("#")[0], { target, select: target, swap: "outerHTML" });
    if (message) {
      const again = document.querySelector(`${target} [data-error]`);
      again.textContent = message;
      again.classList.add("d-block");
    }
  } else if (!message) {
    window.location.assign(location);
    window.location.reload();
  }
}

function hidden(name, value) {
  const field = document.createElement("input");
  field.type = "hidden";
  field.name = name;
  field.value = value;
  return field;
}

// The form goes out when all of its files are there, with their uploads in the files' place. Answers whether it did.
async function sendBeforeForm(form, part, input, submitter) {
  const sent = [];
  try {
    await sendAll(part, input, async (sender, id) => { sent.push([sender, id]); });
  } catch (error) {
    tell(part, input, messageFor(part, error));
    return false;
  }
  for (const [sender, id] of sent) {
    part.append(hidden("upload", `${id} ${sender.file.name}`));
    sender.forget();
  }
  input.disabled = true;
  if (submitter && submitter.name) form.append(hidden(submitter.name, submitter.value));
  form.submit();
  return true;
}

async function upload(form, part, input, submitter) {
  const buttons = form.querySelectorAll("button:not([data-stop])");
  tell(part, input, "");
  buttons.forEach((button) => { button.disabled = true; });
  const isGone = part.hasAttribute("data-with-form")
    ? await sendBeforeForm(form, part, input, submitter)
    : await addFiles(part, input);
  if (!isGone) buttons.forEach((button) => { button.disabled = false; });
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  const part = form.querySelector("[data-upload]");
  const input = part && part.querySelector("input[type=file]");
  if (!input || !window.fetch || !input.files.length) return;
  event.preventDefault();
  // After the handler that keeps a second click from sending twice.
  window.setTimeout(() => upload(form, part, input, event.submitter), 0);
});

// Back from the browser's cache: the form can be filled in again.
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  document.querySelectorAll("[data-upload] input[type=file]:disabled").forEach((input) => { input.disabled = false; });
  document.querySelectorAll("[data-upload] input[type=hidden][name=upload]").forEach((field) => field.remove());
});
