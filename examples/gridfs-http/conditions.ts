import { DateTime, Result } from "effect"
import * as Headers from "effect/http/Headers"

/** The bytes that a `Range` header asks for: `end` is the offset after the last one. */
export interface Range {
  readonly start: number
  readonly end: number
}

/** Milliseconds of an HTTP date; `undefined` without a valid date. */
const timeOf = (header: string | undefined): number | undefined => {
  if (header === undefined) return undefined
  const date = Headers.parseHttpDate(header)
  return Result.isSuccess(date) ? DateTime.toEpochMillis(date.success) : undefined
}

/** Whether the client has the file already: by `If-None-Match`, or without it by `If-Modified-Since`. */
export const isNotModified = (headers: Headers.Headers, etag: string, modified: number): boolean => {
  const tags = headers["if-none-match"]
  if (tags !== undefined) {
    return tags.trim() === "*" || tags.split(",").some((tag) => tag.trim().replace(/^W\//, "") === etag)
  }
  const since = timeOf(headers["if-modified-since"])
  return since !== undefined && modified <= since
}

/** Whether a range is of the file that the client knows. A date does not prove it: two uploads may come in one second. */
export const isUnchanged = (headers: Headers.Headers, etag: string): boolean => {
  const condition = headers["if-range"]
  return condition === undefined || condition.trim() === etag
}

/** The bytes of a single range. Several ranges, another unit and malformed ranges are ignored: the client gets the whole file. */
export const rangeOf = (header: string | undefined, length: number): Range | "unsatisfiable" | undefined => {
  const match = /^bytes=\s*(\d*)-(\d*)\s*$/i.exec(header ?? "")
  if (match === null) return undefined
  const [first, last] = [match[1] ?? "", match[2] ?? ""]
  if (first === "") {
    if (last === "") return undefined
    const start = Math.max(0, length - Number(last))
    return start < length ? { start, end: length } : "unsatisfiable"
  }
  const start = Number(first)
  if (last !== "" && Number(last) < start) return undefined
  if (start >= length) return "unsatisfiable"
  return { start, end: last === "" ? length : Math.min(length, Number(last) + 1) }
}
