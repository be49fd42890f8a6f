/**
 * The address of one member of a deployment, by the address of all.
 */

/** Options of an address that are about all members. */
const optionsOfAll: ReadonlySet<string> = new Set([
  "replicaset",
  "directconnection",
  "readpreference",
  "readpreferencetags",
  "maxstalenessseconds",
  "loadbalanced",
  "srvservicename",
  "srvmaxhosts",
  "serverselectiontimeoutms"
])

/** How long to wait for a member: milliseconds. */
const patience = 1000

/**
 * The connection string of one member, with the credentials and options of that of all.
 *
 * @internal
 */
export const uriOfMember = (uri: string, host: string): string => {
  const [, srv, credentials = "", path = "/", query = ""] =
    /^mongodb(\+srv)?:\/\/([^@/?]*@)?[^/?]*(\/[^?]*)?(?:\?(.*))?$/.exec(uri) ?? []
  const kept = query.split("&").filter((option) => {
    const name = option.split("=")[0]!.toLowerCase()
    return name !== "" && !optionsOfAll.has(name)
  })
  // An address of this kind means TLS, unless it says otherwise.
  const tls = srv === undefined || kept.some((option) => /^(tls|ssl)=/i.test(option)) ? [] : ["tls=true"]
  const own = ["directConnection=true", `serverSelectionTimeoutMS=${patience}`]
  return `mongodb://${credentials}${host}${path}?${[...kept, ...tls, ...own].join("&")}`
}
