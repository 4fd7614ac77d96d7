// The box for answers and notes: drafts of each, ready answers, and what was seen.
import { Controller } from "@hotwired/stimulus";

export default class ComposerController extends Controller {
  static targets = ["answer", "note", "seen", "canned"];

  get answer() {
    return /** @type {HTMLTextAreaElement} */ (this.targets.find("answer"));
  }

  get note() {
    return /** @type {HTMLTextAreaElement} */ (this.targets.find("note"));
  }

  get canned() {
    return /** @type {HTMLElement | undefined} */ (this.targets.find("canned"));
  }

  connect() {
    for (const box of [this.answer, this.note]) {
      if (!box.value) box.value = localStorage.getItem(this.draftOf(box)) ?? "";
      box.form?.addEventListener("submit", () => this.prepare());
      box.form?.addEventListener("turbo:submit-end", (event) => this.finish(box, event));
    }
  }

  /** @param {HTMLTextAreaElement} box */
  draftOf(box) {
    const name = /** @type {HTMLElement} */ (this.element).dataset.composerNameValue;
    return `draft:${name}:${box === this.note ? "note" : "answer"}`;
  }

  /** @param {Event} event */
  keep(event) {
    const box = /** @type {HTMLTextAreaElement} */ (event.target);
    if (box.value) localStorage.setItem(this.draftOf(box), box.value);
    else localStorage.removeItem(this.draftOf(box));
    if (box === this.answer) this.suggest(box.value);
  }

  prepare() {
    const log = document.querySelector(".log");
    const seen = log instanceof HTMLElement ? Number(log.dataset.seen) : 0;
    const field = /** @type {HTMLInputElement} */ (this.targets.find("seen"));
    field.value = String(Math.max(seen, Number(field.defaultValue)));
  }

  /** @param {HTMLTextAreaElement} box @param {Event} event */
  finish(box, event) {
    // A draft goes when its own answer was stored, and not before.
    if (!(/** @type {CustomEvent} */ (event).detail.success)) return;
    localStorage.removeItem(this.draftOf(box));
    box.value = "";
  }

  /** @param {string} text */
  suggest(text) {
    if (!this.canned) return;
    const wanted = text.startsWith("/") ? text.slice(1) : null;
    let found = 0;
    for (const button of this.canned.querySelectorAll("button")) {
      const fits = wanted !== null && (button.dataset.shortcut ?? "").startsWith(wanted);
      /** @type {HTMLElement} */ (button.parentElement).hidden = !fits;
      found += fits ? 1 : 0;
    }
    this.canned.hidden = found === 0;
  }

  /** @param {Event} event */
  insert(event) {
    const button = /** @type {HTMLElement} */ (event.currentTarget);
    this.answer.value = button.dataset.body ?? "";
    if (this.canned) this.canned.hidden = true;
    this.answer.focus();
    this.answer.dispatchEvent(new Event("input", { bubbles: true }));
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    const box = /** @type {HTMLTextAreaElement} */ (event.target);
    if (event.isComposing || event.key !== "Enter") return;
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      box.form?.requestSubmit();
    } else if (box === this.answer && this.canned && !this.canned.hidden) {
      event.preventDefault();
      const first = this.canned.querySelector("li:not([hidden]) button");
      if (first instanceof HTMLElement) first.click();
    }
  }
}
