// Shortcuts of one key, on any layout of the keyboard.
import { Controller } from "@hotwired/stimulus";

const EDITABLE = "input:not([type=radio]), textarea, select, [contenteditable]";

export default class KeysController extends Controller {
  /** @param {KeyboardEvent} event */
  onKey = (event) => this.press(event);

  connect() {
    document.addEventListener("keydown", this.onKey);
  }

  disconnect() {
    document.removeEventListener("keydown", this.onKey);
  }

  /** The Latin letter of a key, on a Persian layout by its place. @param {KeyboardEvent} event */
  nameOf(event) {
    if (event.key.length === 1 && event.key.charCodeAt(0) < 128) return event.key;
    return event.code.startsWith("Key") ? event.code.slice(3).toLowerCase() : "";
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    // What a browser fills in by itself comes without a key.
    if (!event.key) return;
    const isChord = event.ctrlKey || event.metaKey || event.altKey || event.getModifierState("AltGraph");
    const target = /** @type {Element} */ (event.target);
    if (event.key === "Escape" && target.matches(EDITABLE)) return /** @type {HTMLElement} */ (target).blur();
    if (event.isComposing || isChord || target.matches(EDITABLE) || document.querySelector("dialog[open]")) return;
    const key = this.nameOf(event) || (event.key === "؟" ? "?" : "");
    if (key === "j" || key === "k") return this.move(key === "j" ? 1 : -1, event);
    const found = key && document.querySelector(`[data-key="${CSS.escape(key)}"]`);
    if (!(found instanceof HTMLElement)) return;
    event.preventDefault();
    found.click();
    if (key === "r" || key === "n") {
      const box = document.querySelector(key === "r" ? "form.answer textarea" : "form.note textarea");
      if (box instanceof HTMLElement) box.focus();
    }
  }

  /** @param {number} step @param {Event} event */
  move(step, event) {
    const links = [...document.querySelectorAll(".rows a")];
    const at = links.findIndex((link) => link.hasAttribute("aria-current"));
    const next = links[at < 0 ? 0 : at + step];
    if (!(next instanceof HTMLElement)) return;
    event.preventDefault();
    next.click();
  }

  help() {
    const dialog = document.getElementById("help");
    if (dialog instanceof HTMLDialogElement) dialog.showModal();
  }
}
