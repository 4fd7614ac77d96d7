// A thread: follows its end while a person reads there, and tells what was read.
import { Controller } from "@hotwired/stimulus";

/** What lies this close to the end is being read, in pixels. */
const NEAR = 100;
/** How long a message is on the screen before it counts as seen, in milliseconds. */
const READING_MS = 700;

export default class ThreadController extends Controller {
  static targets = ["pill"];

  missed = 0;
  timer = 0;
  isAtEnd = true;
  onScroll = () => this.note();
  observer = new MutationObserver((changes) => this.grow(changes));

  get log() {
    return /** @type {HTMLElement} */ (this.element);
  }

  get items() {
    return /** @type {HTMLElement} */ (this.log.querySelector("#items"));
  }

  connect() {
    this.log.addEventListener("scroll", this.onScroll, { passive: true });
    document.addEventListener("visibilitychange", this.onScroll);
    this.observer.observe(this.items, { childList: true });
    this.follow();
  }

  disconnect() {
    this.observer.disconnect();
    clearTimeout(this.timer);
    document.removeEventListener("visibilitychange", this.onScroll);
  }

  follow() {
    this.log.scrollTop = this.log.scrollHeight;
    this.note();
  }

  note() {
    const { scrollHeight, scrollTop, clientHeight } = this.log;
    this.isAtEnd = scrollHeight - scrollTop - clientHeight < NEAR;
    if (this.isAtEnd) {
      this.missed = 0;
      this.read();
    }
    this.show();
  }

  /** @param {MutationRecord[]} changes */
  grow(changes) {
    const added = changes.flatMap((change) => [...change.addedNodes]);
    const fresh = added.filter((one) => one instanceof Element && one.classList.contains("item"));
    if (this.isAtEnd) {
      this.follow();
    } else {
      this.missed += fresh.length;
      this.show();
    }
  }

  show() {
    const pill = /** @type {HTMLElement} */ (this.targets.find("pill"));
    const count = new Intl.NumberFormat(document.documentElement.lang).format(this.missed);
    pill.hidden = this.missed === 0;
    pill.textContent = (this.log.dataset.pill ?? "").replace("{n}", count);
  }

  read() {
    clearTimeout(this.timer);
    if (document.hidden) return;
    this.timer = setTimeout(() => this.tell(), READING_MS);
  }

  tell() {
    const positions = [...this.items.querySelectorAll("[data-position]")].map((item) =>
      Number(/** @type {HTMLElement} */ (item).dataset.position));
    const newest = Math.max(0, ...positions);
    if (newest <= Number(this.log.dataset.seen)) return;
    this.log.dataset.seen = String(newest);
    const { threadAtValue: at, threadCsrfValue: csrf = "" } = this.log.dataset;
    const body = new URLSearchParams({ csrf_token: csrf, position: String(newest) });
    // A mark that is lost is set with the next one.
    fetch(`${at}read`, { method: "POST", body }).catch(() => {});
  }
}
