// Before anything is painted: the reader's own choice of light or dark, where there is one. A classic script on purpose.
"use strict";
(() => {
  const NAME = "llmcompiler-theme";
  const NEXT = { system: "light", light: "dark", dark: "system" };
  const root = document.documentElement;
  let theme = "system";
  try {
    theme = localStorage.getItem(NAME) ?? "system";
  } catch {
    // Storage is forbidden: the system's choice it is.
  }
  if (!(theme in NEXT)) theme = "system";
  root.dataset.theme = theme;

  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    const tell = () => {
      button.setAttribute("aria-label", `Colours: ${theme}. Change to ${NEXT[theme]}.`);
      button.title = `Colours: ${theme}`;
    };
    tell();
    button.addEventListener("click", () => {
      theme = NEXT[theme];
      root.dataset.theme = theme;
      tell();
      try {
        localStorage.setItem(NAME, theme);
      } catch {
        // As above: it holds for this page only.
      }
    });
  });
})();
