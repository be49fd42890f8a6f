/** What differs between two runs of a program: ids, times, durations, ports and numbers of fibers. */
const changing: ReadonlyArray<readonly [RegExp, string]> = [
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, "<uuid>"],
  [/\b[0-9a-f]{24}\b/g, "<id>"],
  [/\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?/g, "<time>"],
  [/\[\d\d:\d\d:\d\d\.\d{3}\]/g, "[<time>]"],
  [/\b(\d+(\.\d+)? ?(ns|µs|ms|s|seconds?|milliseconds?)\b( (?=\d+ ?ms\b))?)+/g, "<duration>"],
  // The width of a column follows its longest entry, which may be a duration.
  [/(?<=\S) {2,}/g, " "],
  [/\b127\.0\.0\.1:\d+/g, "<host>"],
  [/\(#\d+\)/g, "(#<fiber>)"]
]

/** What a program prints, without what differs between two runs. */
export const outputOf = (printed: string): string =>
  changing.reduce((text, [pattern, name]) => text.replace(pattern, name), printed)

/** What a page shows of it: no folder of this machine, and the port that a reader's server has. */
export const shownOf = (printed: string, folder: string): string =>
  printed.replaceAll(folder, "").replace(/\b127\.0\.0\.1:\d{2,5}/g, "127.0.0.1:27017").replace(/[ \t]+$/gm, "")
    .replace(/^\n+/, "")
