import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { outputOf, shownOf } from "./support/output.ts"
import { directivesOf } from "./support/program.ts"
import { findingsOf, readSite, type Site } from "./support/site.ts"

const page = (title: string, body = "", order = 1) =>
  `---\ntitle: ${title}\ndescription: About it.\norder: ${order}\nsection: Begin\n---\n\n# ${title}\n\n${body}\n`

const program = "// #region all\nEffect.runSync(Effect.void)\n// #endregion all\n"

const sound: Record<string, string> = {
  "index.md": "---\nlayout: home\nhero:\n  actions:\n    - text: Start\n      link: /guides/start\n---\n",
  "guides/start.md": page(
    "Start",
    "<<< @/guides/start/main.ts#all{ts}\n\n<<< @/guides/start/main.out{txt}\n\n<<< ./start/names.ts\n\n<<< ./start/missing.out\n\n<<< ./start/names.test.ts [test]\n\n" +
      "## What `it` is, and 2 more\n\n```sh\nnpm install # [no link](/nowhere)\n```\n\n" +
      "See [it](#what-it-is-and-2-more), [more](/guides/more#start), [client](/reference/core/MongoClient), " +
      "[license](https://github.com/mongofx/mongofx/blob/main/LICENSE)."
  ),
  "guides/more.md": page("More", "## Start\n\n[back](./start.md) ![picture](/a.svg)", 2),
  "guides/start/main.ts": `import "./names.ts"\n${program}`,
  "guides/start/names.test.ts": "it(\"is a test\", () => {})\n",
  "guides/start/missing.ts": "process.env = {}\n",
  "guides/start/missing.out": "none\n",
  "guides/start/names.ts": "export const name = 1\n",
  "guides/start/main.out": "done\n"
}

const siteOf = (files: Record<string, string>): Site => {
  const pick = (pattern: RegExp) => new Map(Object.entries(files).filter(([file]) => pattern.test(file)))
  return {
    pages: pick(/\.md$/),
    programs: pick(/\.(ts|out|txt)$/),
    isPublic: (path) => path === "a.svg",
    isInRepository: (path) => path === "LICENSE" || path === "packages/core/src/MongoClient.ts"
  }
}

const findings = (change: Record<string, string | undefined>): ReadonlyArray<string> =>
  findingsOf(siteOf(
    Object.fromEntries(
      Object.entries({ ...sound, ...change }).filter((entry): entry is [string, string] => entry[1] !== undefined)
    )
  ))

/** A sound site whose second page has this text, or another front matter. */
const more = (body: string) => findings({ "guides/more.md": page("More", `## Start\n\n${body}`, 2) })

describe("the pages", () => {
  it("have titles, links that lead somewhere, and only programs that are run", () => {
    const site = readSite(fileURLToPath(new URL("..", import.meta.url)))
    assert.strictEqual(findingsOf(site).join("\n"), "")
  })

  it("name tests that are there", () => {
    const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8")
    const links = [
      ...read("website/reliability.md").matchAll(
        /\[([^\]]+)\]\(https:\/\/github\.com\/mongofx\/mongofx\/blob\/main\/([^)]+\.test\.ts)\)/g
      )
    ]
    assert.isAbove(links.length, 20)
    const missing = links.filter(([, name, path]) => !read(path!).includes(name!))
    assert.deepStrictEqual(missing.map(([, name, path]) => `${path} has no test "${name}"`), [])
  })

  it("of a sound site have no findings", () => assert.deepStrictEqual(findings({}), []))

  const faults: ReadonlyArray<readonly [string, () => ReadonlyArray<string>, ReadonlyArray<RegExp>]> = [
    [
      "a page without a description",
      () => findings({ "guides/more.md": page("More", "## Start", 2).replace(/description.*\n/, "") }),
      [/more.md: .*no description/]
    ],
    [
      "a guide without a place",
      () => findings({ "guides/more.md": page("More", "## Start").replace(/order.*\nsection.*\n/, "") }),
      [/no order/, /no section/]
    ],
    ["an unknown section", () => findings({ "guides/more.md": page("More", "## Start", 2).replace("Begin", "End") }), [
      /section is "End"/
    ]],
    ["a place that is taken", () => findings({ "guides/more.md": page("More", "## Start") }), [
      /same section and order/
    ]],
    [
      "a page without its title",
      () => findings({ "guides/more.md": page("More", "## Start", 2).replace("# More", "More") }),
      [/begins with "More"/]
    ],
    ["TypeScript typed by hand", () => more("- so:\n\n  ```ts\n  const a = 1\n  ```"), [/more.md:14: a fence of ts/]],
    [
      "TypeScript typed by hand after tables that a script writes",
      () => more("<!-- A script writes them. -->\n\n```ts\n1\n```\n\n<!-- dprint-ignore-end -->\n\n```ts\n2\n```"),
      [/more.md:20: a fence of ts/]
    ],
    ["an include of a missing file", () => more("<<< @/guides/more/a.ts{ts}"), [
      /more.md:12: .*more\/a.ts, which is not there/
    ]],
    ["an include of a missing region", () => more("<<< @/guides/start/main.ts#part{ts}"), [/no region part/]],
    [
      "a region whose end has no name",
      () =>
        findings({ "guides/start/main.ts": `import "./names.ts"\n${program.replace("#endregion all", "#endregion")}` }),
      [/no region all/]
    ],
    ["a program that no page includes", () => findings({ "guides/more/a.ts": program, "guides/more/a.out": "" }), [
      /more\/a.ts: no page includes it/
    ]],
    ["a program that nothing runs", () => findings({ "guides/start/main.out": undefined }), [
      /start.md:\d+: it includes guides\/start\/main.out/,
      /main.ts: nothing runs it/
    ]],
    ["an output without a program", () => findings({ "guides/start/old.out": "" }), [/old.out: no program prints it/]],
    ["a link to a missing page", () => more("[x](/guides/none)"), [/guides\/none leads to a page/]],
    ["a link by a name to a missing page", () => more("[x][y]\n\n[y]: /guides/none"), [/guides\/none leads to a page/]],
    ["a link to a missing heading", () => more("[x](/guides/start#none)"), [
      /leads to a heading .* what-it-is-and-2-more/
    ]],
    ["a link to a missing heading of the page", () => more("[x](#none)"), [/leads to a heading that guides\/more.md/]],
    ["a link to a missing module", () => more("[x](/reference/core/None)"), [/leads to a module/]],
    [
      "a link to a missing file of the repository",
      () => more("[x](https://github.com/mongofx/mongofx/blob/main/NONE.md)"),
      [/NONE.md leads to a file/]
    ],
    ["a missing picture", () => more("![x](/b.svg)"), [/b.svg leads to a page/]],
    [
      "a link of the start page",
      () => findings({ "index.md": sound["index.md"]!.replace("/guides/start", "/guides/none") }),
      [/index.md:6: /]
    ]
  ]
  for (const [fault, found, expected] of faults) {
    it(`with ${fault} have a finding`, () => {
      const actual = found()
      assert.strictEqual(actual.length, expected.length, actual.join("\n"))
      for (const [i, pattern] of expected.entries()) assert.match(actual[i]!, pattern)
    })
  }
})

describe("what a program prints", () => {
  it("is compared without ids, times, durations and ports", () => {
    const printed = (id: string, time: string, duration: string, port: number) =>
      `{ _id: new ObjectId('${id}'), at: ${time} }\n[${
        time.slice(11, 23)
      }] INFO (#${port}): took ${duration}\n127.0.0.1:${port}\n`
    assert.strictEqual(
      outputOf(printed("507f1f77bcf86cd799439011", "2026-01-02T03:04:05.678Z", "12ms", 27_017)),
      outputOf(printed("6ba7b8109dad11d180b400c0", "2025-12-31T23:59:59.001Z", "1s 20ms", 40_123))
    )
  })
  it("keeps numbers and texts", () => {
    assert.notStrictEqual(outputOf("{ name: 'Ada', books: 3 }"), outputOf("{ name: 'Ada', books: 4 }"))
    assert.notStrictEqual(outputOf("2 skipped"), outputOf("3 skipped"))
  })
  it("is compared without the widths of columns that durations have", () => {
    const table = (took: string) => `id  ${"took".padStart(took.length)}\n 1  ${took}\n`
    assert.strictEqual(outputOf(table("9ms")), outputOf(table("1s 120ms")))
  })
  it("is shown without the folder of a machine and its port", () => {
    assert.strictEqual(
      shownOf("\n\nat /a/website/x.ts \n127.0.0.1:40123\n", "/a/website/"),
      "at x.ts\n127.0.0.1:27017\n"
    )
  })
})

describe("a program", () => {
  it("says in its first comments which server and arguments it needs", () => {
    assert.deepStrictEqual(directivesOf("import {} from \"effect\"\n// server: none\n"), {
      server: "replica set",
      arguments: []
    })
    assert.deepStrictEqual(
      directivesOf("#!/usr/bin/env node\n// server: standalone\n// arguments: status --json\n\nx"),
      {
        server: "standalone",
        arguments: ["status", "--json"]
      }
    )
    assert.strictEqual(directivesOf("// server: sharded\n").server, "sharded")
    assert.throws(() => directivesOf("// server: cluster\n"), /unknown/)
  })
})
