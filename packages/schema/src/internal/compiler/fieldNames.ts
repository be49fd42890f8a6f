/** The names of fields, as bytes that generated code compares. */
import { Unsupported } from "./program.ts"

/** Up to this number, names are compared one by one. */
const few = 4

/**
 * The bytes of a name in a document, with the NUL at its end.
 *
 * @internal
 */
export const nameBytes = (name: string): Buffer => {
  const bytes = Buffer.from(`${name}\0`)
  // In the name of a field, any bytes that are not UTF-8 are read as U+FFFD. Many byte strings mean such a name.
  if (name.includes("\0") || name.includes("\uFFFD") || bytes.toString() !== `${name}\0`) throw new Unsupported("key")
  return bytes
}

/**
 * The expression that tests whether these bytes are at `p`, four at a time.
 *
 * @internal
 */
export const isAt = (bytes: Buffer, p: string): string => {
  const tests: Array<string> = []
  let i = 0
  for (; i + 4 <= bytes.length; i += 4) tests.push(`dv.getUint32(${p} + ${i}, true) === ${bytes.readUInt32LE(i)}`)
  for (; i < bytes.length; i++) tests.push(`b[${p} + ${i}] === ${bytes[i]}`)
  return tests.join(" && ")
}

/**
 * The source of a function that finds the field whose name is at `p + 1`, or -1.
 *
 * @internal
 */
export const findField = (name: string, fields: ReadonlyArray<{ readonly bytes: Buffer }>): string => {
  const byLength = new Map<number, Array<number>>()
  fields.forEach(({ bytes }, i) => {
    const group = byLength.get(bytes.length - 1)
    if (group === undefined) byLength.set(bytes.length - 1, [i])
    else group.push(i)
  })
  const cases = Array.from(
    byLength,
    ([length, group]) => `case ${length}: ${findAmong(fields, group)}\nbreak`
  )
  return `const ${name} = (b, dv, p, end) => {
    p++
    switch (endOfName(b, p, end) - p) { ${cases.join("\n")} }
    return -1
  }`
}

/** Finds a field among names of one length, by the byte that tells most of them apart, and so on. */
const findAmong = (fields: ReadonlyArray<{ readonly bytes: Buffer }>, group: ReadonlyArray<number>): string => {
  if (group.length <= few) {
    return group.map((i) => `if (${isAt(fields[i]!.bytes, "p")}) return ${i}`).join("\n")
  }
  let best = new Map<number, Array<number>>()
  let position = 0
  for (let at = 0; at < fields[group[0]!]!.bytes.length; at++) {
    const byByte = new Map<number, Array<number>>()
    for (const i of group) {
      const byte = fields[i]!.bytes[at]!
      const others = byByte.get(byte)
      if (others === undefined) byByte.set(byte, [i])
      else others.push(i)
    }
    if (byByte.size > best.size) {
      best = byByte
      position = at
    }
  }
  const cases = Array.from(best, ([byte, group]) => `case ${byte}: ${findAmong(fields, group)}\nbreak`)
  return `switch (b[p + ${position}]) { ${cases.join("\n")} }`
}
