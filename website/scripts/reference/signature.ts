const longest = 90

/** The places of a separator that is not inside of brackets. */
const topLevel = (text: string, separator: string): ReadonlyArray<number> => {
  const places: Array<number> = []
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!
    if (char === "\"") i = text.indexOf("\"", i + 1)
    else if (depth === 0 && text.startsWith(separator, i)) places.push(i)
    else if ("([{<".includes(char)) depth++
    else if (")]}".includes(char) || char === ">" && text[i - 1] !== "=") depth--
    if (i === -1) break
  }
  return places
}

const split = (text: string, separator: string): ReadonlyArray<string> => {
  const places = topLevel(text, separator)
  return [...places, text.length].map((end, i) => text.slice(i === 0 ? 0 : places[i - 1]! + separator.length, end))
}

const bracketed = (text: string, open: number): number => {
  const close = text[open] === "<" ? ">" : ")"
  return open + 1 + (topLevel(text.slice(open + 1), close)[0] ?? Number.NaN)
}

/** A signature with each of its parameters on a line of its own, if it is long. */
export const wrapped = (code: string): string => {
  if (code.length <= longest || code.includes("\n")) return code
  for (let open = code.indexOf("("); open !== -1; open = code.indexOf("(", open + 1)) {
    const close = bracketed(code, open)
    const parameters = split(code.slice(open + 1, close), ", ")
    if (Number.isNaN(close) || parameters.join("").length === 0) continue
    return `${code.slice(0, open + 1)}\n${parameters.map((each) => `  ${each}`).join(",\n")}\n${code.slice(close)}`
  }
  return code
}
