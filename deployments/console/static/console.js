// Starts Turbo and the controllers, and teaches Turbo where a changed row belongs.
import { config, StreamActions } from "@hotwired/turbo";
import { Application } from "@hotwired/stimulus";
import { place, withdraw } from "console/placing";
import ComposerController from "console/composer";
import KeysController from "console/keys";
import LiveController from "console/live";
import RowsController from "console/rows";
import ThemeController from "console/theme";
import ThreadController from "console/thread";

// Pages arrive before anybody would see a bar.
config.drive.progressBarDelay = 2_000;
StreamActions.place = function () {
  place(this.target, this.templateContent);
};
StreamActions.withdraw = function () {
  withdraw(this.target);
};

// What a person has opened stays open when the page around it changes.
document.addEventListener("turbo:before-morph-attribute", (event) => {
  const { target, detail } = /** @type {CustomEvent} */ (event);
  const isOpen = target instanceof HTMLDetailsElement || target instanceof HTMLDialogElement;
  if (isOpen && detail.attributeName === "open") event.preventDefault();
});
// What was typed stays; a draft goes when its own answer was stored.
document.addEventListener("turbo:before-morph-element", (event) => {
  if (event.target instanceof HTMLTextAreaElement) event.preventDefault();
});

// Buttons that need a script are shown where scripts run.
document.documentElement.dataset.scripted = "";

const application = Application.start();
application.register("composer", ComposerController);
application.register("keys", KeysController);
application.register("live", LiveController);
application.register("rows", RowsController);
application.register("theme", ThemeController);
application.register("thread", ThreadController);
