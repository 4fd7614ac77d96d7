// A list of conversations: no row moves while the pointer or the focus is among them.
import { Controller } from "@hotwired/stimulus";
import { insert } from "console/placing";

export default class RowsController extends Controller {
  /** @type {Map<Element, "in" | "out">} */
  held = new Map();

  get pill() {
    return /** @type {HTMLButtonElement} */ (document.getElementById("changes"));
  }

  connect() {
    this.element.addEventListener("placing", (event) => this.hold(event, "in"));
    this.element.addEventListener("withdrawing", (event) => this.hold(event, "out"));
    this.element.addEventListener("pointerleave", () => this.release());
    this.element.addEventListener("focusout", () => this.release());
    this.pill.addEventListener("click", () => this.apply());
  }

  get isBusy() {
    return this.element.matches(":hover") || this.element.contains(document.activeElement);
  }

  /** @param {Event} event @param {"in" | "out"} way */
  hold(event, way) {
    if (!this.isBusy) return;
    event.preventDefault();
    this.held.set(/** @type {CustomEvent} */ (event).detail, way);
    this.show();
  }

  release() {
    // The focus has not arrived at its next element yet.
    requestAnimationFrame(() => {
      if (!this.isBusy) this.apply();
    });
  }

  apply() {
    for (const [row, way] of this.held) {
      if (way === "in") insert(this.element, row);
      else row.remove();
    }
    this.held.clear();
    this.show();
  }

  show() {
    const fresh = [...this.held].filter(([row, way]) => way === "in" && !row.isConnected).length;
    const count = new Intl.NumberFormat(document.documentElement.lang).format(fresh);
    this.pill.hidden = fresh === 0;
    this.pill.textContent = (this.pill.dataset.text ?? "").replace("{n}", count);
  }
}
