import { InvalidInput } from "../input/invalidInput.ts"

/** Options whose values are free text, which may contain an `@`. */
const textOptions: ReadonlySet<string> = new Set([
  "appname",
  "authmechanismproperties",
  "authsource",
  "proxyhost",
  "proxypassword",
  "proxyusername",
  "readpreferencetags",
  "replicaset",
  "tlscafile",
  "tlscertificatekeyfile",
  "tlscertificatekeyfilepassword",
  "tlscrlfile"
])

const isPort = (port: string | undefined): boolean =>
  port === undefined || /^\d{1,5}$/.test(port) && Number(port) > 0 && Number(port) < 65_536

/** A name, an IPv6 address in brackets, or the encoded path of a socket, with an optional port. */
const isHost = (host: string): boolean => {
  const parts = /^(?:\[[\w.:%]+\]|[^\s:@/?#[\]]+)(?::(.*))?$/s.exec(host)
  return parts !== null && isPort(parts[1])
}

interface Problem {
  readonly index: number
  readonly what: string
}

const encode = "percent-encode the characters : / ? # [ ] @ % in a user name and a password"

const userInfoProblem = (url: string, start: number, end: number): Problem | undefined => {
  const text = url.slice(start, end)
  const colon = text.indexOf(":")
  const reserved = /[/?#[\]@]|%(?![0-9a-f]{2})/i.exec(text)
  const second = colon < 0 ? -1 : text.indexOf(":", colon + 1)
  const index = Math.min(reserved?.index ?? Infinity, second < 0 ? Infinity : second)
  return index === Infinity ? undefined : { index: start + index, what: encode }
}

const hostsProblem = (url: string, start: number, end: number): Problem | undefined => {
  let index = start
  for (const host of url.slice(start, end).split(",")) {
    if (!isHost(host)) return { index, what: `this is not a valid host or port (${encode})` }
    index += host.length + 1
  }
  return undefined
}

/**
 * Finds an `@` before which the driver would see a host, a database or an option. Without a user, the driver takes the first `@` for the
 * end of a user name, wherever it stands.
 */
const lateAt = (url: string, start: number, hasUser: boolean): Problem | undefined => {
  const query = url.indexOf("?", start)
  const path = query < 0 ? url.slice(start) : url.slice(start, query)
  if (path.includes("@")) return { index: start, what: `an @ follows here, after the hosts (${encode})` }
  if (query < 0) return undefined
  let index = query + 1
  for (const option of url.slice(index).split(/[&;]/)) {
    const name = option.slice(0, Math.max(option.indexOf("="), 0)).toLowerCase()
    // With a slash, it is probably the end of a password and a host, not free text.
    const isText = hasUser && textOptions.has(name) && !/[/?]|=@/.test(option)
    if (option.includes("@") && !isText) {
      return { index, what: `an option has an @ (${encode})` }
    }
    index += option.length + 1
  }
  return undefined
}

const problemOf = (url: string): Problem | undefined => {
  const start = /^mongodb(?:\+srv)?:\/\//.exec(url)?.[0].length
  if (start === undefined) return { index: 0, what: "it does not begin with mongodb:// or mongodb+srv://" }
  const rest = url.slice(start).search(/[/?]/)
  const end = rest < 0 ? url.length : start + rest
  const at = url.slice(start, end).indexOf("@")
  const hosts = at < 0 ? start : start + at + 1
  return (at < 0 ? undefined : userInfoProblem(url, start, start + at)) ?? lateAt(url, end, at >= 0) ??
    hostsProblem(url, hosts, end)
}

/**
 * Refuses a connection string that the driver would misread, or quote in its error: parts of a password that
 * is not encoded look like hosts, databases and options. The message says where, and quotes nothing.
 *
 * @internal
 */
export const checkConnectionString = (url: unknown): void => {
  if (typeof url !== "string") throw new InvalidInput("url", "the connection string is not a string")
  const problem = problemOf(url)
  if (problem === undefined) return
  throw new InvalidInput(
    "url",
    `the connection string is invalid from character ${problem.index + 1} on: ${problem.what}`
  )
}
