// Light or dark: as the system has it, until a person chooses.
import { Controller } from "@hotwired/stimulus";

export default class ThemeController extends Controller {
  connect() {
    const chosen = localStorage.getItem("theme");
    if (chosen) document.documentElement.dataset.theme = chosen;
  }

  toggle() {
    const root = document.documentElement;
    const isDark = root.dataset.theme === "dark"
      || (!root.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);
    root.dataset.theme = isDark ? "light" : "dark";
    localStorage.setItem("theme", root.dataset.theme);
  }
}
