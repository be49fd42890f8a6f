import { defineConfig } from "vitepress"

export default defineConfig({
  title: "mongofx",
  description: "MongoDB for Effect, in TypeScript",
  lang: "en"
})
