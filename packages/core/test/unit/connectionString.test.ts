/**
 * Malformed connection strings are refused, and the message quotes nothing of them.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { checkConnectionString } from "@mongofx/core/internal/driver/connectionString"
import * as Driver from "mongodb"

const refusal = (url: unknown): string | undefined => {
  try {
    checkConnectionString(url)
  } catch (cause) {
    return (cause as Error).message
  }
  return undefined
}

describe("connection strings", () => {
  it.each([
    "mongodb://localhost",
    "mongodb://localhost/",
    "mongodb://localhost:27017,other-host:27018,10.0.0.1/app",
    "mongodb://a.example.com?replicaSet=rs",
    "mongodb://[::1]:27017,[fe80::1]/?directConnection=false",
    "mongodb://%2Ftmp%2Fmongodb-27017.sock/app",
    "mongodb://my_host:65535",
    "mongodb://ada@localhost",
    "mongodb://ada:@localhost",
    "mongodb://ada:pass%40word%2F%3F%23@localhost/app?authSource=admin",
    "mongodb://ada:!$&'()*+,;=~-._@localhost",
    "mongodb://ada:ünï@localhost",
    "mongodb://ada%40example.com:x@localhost/?appName=ada@work",
    "mongodb://ada@localhost/?authMechanism=GSSAPI&authSource=$external&authMechanismProperties=SERVICE_REALM:b@c",
    "mongodb://localhost/?appName=ada%40work",
    "mongodb+srv://ada:x@cluster.example.com/app?retryWrites=true&w=majority"
  ])("%s is left to the driver", (url) => {
    assert.isUndefined(refusal(url))
    assert.doesNotThrow(() => new Driver.MongoClient(url))
  })

  it.each<readonly [url: string, position: number]>([
    ["", 1],
    ["localhost:27017", 1],
    ["mongo://user:first@host", 1],
    ["http://user:first@host", 1],
    ["mongodb:/user:first@host", 1],
    ["mongodb://", 11],
    ["mongodb:///app", 11],
    ["mongodb://user:first@secretpart/end@host/", 32],
    ["mongodb+srv://user:first@secretpart/end@host/", 36],
    ["mongodb://user:first/secretpart@host/", 21],
    ["mongodb://user:first?secretpart@host/", 22],
    ["mongodb://user:first?secret=part@host/", 22],
    ["mongodb://user:1234?secret=part@host/", 21],
    ["mongodb://user:first@secret?part=end@host/", 29],
    ["mongodb://localhost/?appName=first@secret", 22],
    ["mongodb://user:@first?appName=/@host/", 23],
    ["mongodb://user:@first?appName=@host", 23],
    ["mongodb://user:first@secretpart@host/", 22],
    ["mongodb://user:first:second@host/", 21],
    ["mongodb://user:first#second@host/", 21],
    ["mongodb://user:fi[rst@host/", 18],
    ["mongodb://user:100%first@host/", 19],
    ["mongodb://us%er:first@host/", 13],
    ["mongodb://user:first", 11],
    ["mongodb://user:first/app", 11],
    ["mongodb://good,user:first", 16],
    ["mongodb://host:99999", 11],
    ["mongodb://host:0", 11],
    ["mongodb://host:", 11],
    ["mongodb://a,,b", 13],
    ["mongodb://ho st", 11],
    ["mongodb://user:first@", 22],
    ["mongodb://[::1", 11]
  ])("%s is refused", (url, position) => {
    const message = refusal(url)
    assert.match(message ?? "", new RegExp(`^the connection string is invalid from character ${position} on: `))
    for (const part of ["first", "second", "secret", "part", "end"]) assert.notInclude(message, part)
  })

  it("values that are not strings are refused", () => {
    for (const url of [undefined, null, 1, {}]) assert.include(refusal(url), "is not a string")
  })

  it("any password is either refused or read as it was meant", () => {
    const seed = Date.now() % 1_000_000
    let state = seed
    const random = (below: number) => (state = (state * 48_271 + 11) % 2_147_483_647) % below
    const pieces = [..."/?#[]@:%&=,;+.- \"'", "%40", "word", "p4ss", "ü", "1234", "localhost", "appName=", "a/b", "://"]
    for (let run = 0; run < 5000; run++) {
      const password = Array.from({ length: 1 + random(6) }, () => pieces[random(pieces.length)]!).join("")
      const url = `mongodb${random(2) === 0 ? "" : "+srv"}://ada:${password}@db.example.com/${
        ["", "app", "?w=1"][random(3)]
      }`
      const message = refusal(url)
      if (message !== undefined) continue
      let read: Driver.MongoClient
      try {
        read = new Driver.MongoClient(url)
      } catch (cause) {
        // The driver must not quote what it still refuses.
        const said = String((cause as Error).message)
        for (const part of ["word", "p4ss", "1234", "ü"]) {
          if (password.includes(part)) assert.notInclude(said, part, `seed ${seed}: ${url}`)
        }
        continue
      }
      const { credentials, hosts, srvHost } = read.options
      assert.strictEqual(credentials?.username, "ada", `seed ${seed}: ${url}`)
      assert.strictEqual(credentials?.password, decodeURIComponent(password), `seed ${seed}: ${url}`)
      assert.strictEqual(srvHost ?? hosts[0]?.host, "db.example.com", `seed ${seed}: ${url}`)
    }
  })
})
