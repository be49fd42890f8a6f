import type { Theme } from "vitepress"
// Without fonts of its own: the pages use those of the reader's system.
import DefaultTheme from "vitepress/theme-without-fonts"
import "./style.css"

export default { extends: DefaultTheme } satisfies Theme
