import type { Theme } from "vitepress"
// Without fonts of its own: the pages use those of the reader's system.
import DefaultTheme from "vitepress/theme-without-fonts"
import "./style.css"

/** Addresses in a built page are relative to it. They stay in the document when a reader goes on to a page in another folder. */
const keepAddresses = (): void => {
  for (const name of ["href", "src"] as const) {
    for (const element of document.querySelectorAll<HTMLAnchorElement & HTMLImageElement>(`[${name}^="."]`)) {
      element.setAttribute(name, element[name])
    }
  }
}

export default {
  extends: DefaultTheme,
  enhanceApp: () => {
    if (typeof document !== "undefined") keepAddresses()
  }
} satisfies Theme
