/** What differs between two runs of a program: ids, times, durations and ports. */
const changing: ReadonlyArray<readonly [RegExp, string]> = [
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, "<uuid>"],
  [/\b[0-9a-f]{24}\b/g, "<id>"],
  [/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, "<time>"],
  [/\[\d\d:\d\d:\d\d\.\d{3}\]/g, "[<time>]"],
  [/\b\d+(\.\d+)?(?= ?(ns|µs|ms|s|seconds?|milliseconds?)\b)/g, "<number>"],
  [/\b127\.0\.0\.1:\d+/g, "<host>"],
  [/\(#\d+\)/g, "(#<fiber>)"]
]

/** What a program prints, without what differs between two runs. */
export const outputOf = (printed: string): string =>
  changing.reduce((text, [pattern, name]) => text.replace(pattern, name), printed)
