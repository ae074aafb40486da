// Strict JSON, section 3. Objects become Maps, so that no name is special, with their text as it stands.

import { GF, refuse } from './limits.mjs'

const ESCAPES = { '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }
const PLAIN = /[^"\\\x00-\x1f]*/y
const NUMBER = /-?[0-9]+/y
const bad = (text) => refuse('json', text)

class Parser {
  constructor(text) {
    this.text = text
    this.at = 0
    this.values = 0
  }

  space() {
    while (this.at < this.text.length && ' \t\n\r'.includes(this.text[this.at])) this.at++
  }

  // Takes this character where it is next.
  take(character) {
    if (this.text[this.at] !== character) return false
    this.at++
    return true
  }

  value(depth) {
    if (++this.values > GF.JSON_VALUES_MAX) bad('values')
    const c = this.text[this.at]
    if (c === '{') return this.object(depth + 1)
    if (c === '[') return this.array(depth + 1)
    if (c === '"') return this.string()
    for (const [word, value] of [['true', true], ['false', false], ['null', null]]) {
      if (this.text.startsWith(word, this.at)) {
        this.at += word.length
        return value
      }
    }
    return this.number()
  }

  number() {
    NUMBER.lastIndex = this.at
    const found = NUMBER.exec(this.text)
    if (!found) bad(`no value at ${this.at}`)
    const digits = found[0]
    if (!/^(0|-?[1-9][0-9]*)$/.test(digits)) bad(`spelling of the number ${digits}`)
    if (digits.length > 17 || !Number.isSafeInteger(Number(digits))) bad(`range of the number ${digits}`)
    this.at += digits.length
    return Number(digits)
  }

  unit() {
    const digits = this.text.slice(this.at, this.at + 4)
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) bad('\\u without four hex digits')
    this.at += 4
    return parseInt(digits, 16)
  }

  escape() {
    const c = this.text[this.at++]
    if (c !== 'u') return Object.hasOwn(ESCAPES, c ?? '') ? ESCAPES[c] : bad(`escape \\${c}`)
    const unit = this.unit()
    if (unit === 0) bad('\\u0000')
    if (unit < 0xd800 || unit > 0xdfff) return String.fromCharCode(unit)
    if (unit > 0xdbff || !this.take('\\') || !this.take('u')) bad('half of a surrogate pair')
    const second = this.unit()
    if (second < 0xdc00 || second > 0xdfff) bad('half of a surrogate pair')
    return String.fromCharCode(unit, second)
  }

  string() {
    if (!this.take('"')) bad(`no string at ${this.at}`)
    const pieces = []
    for (;;) {
      PLAIN.lastIndex = this.at
      const plain = PLAIN.exec(this.text)[0]
      this.at += plain.length
      pieces.push(plain)
      if (this.take('"')) return pieces.join('')
      if (!this.take('\\')) bad('control character in a string, or no end')
      pieces.push(this.escape())
    }
  }

  array(depth) {
    if (depth > GF.JSON_DEPTH_MAX) bad('nesting')
    const elements = []
    this.at++
    this.space()
    if (this.take(']')) return elements
    for (;;) {
      elements.push(this.value(depth))
      if (elements.length > GF.JSON_ELEMENTS_MAX) bad('elements of an array')
      this.space()
      if (this.take(']')) return elements
      if (!this.take(',')) bad(`neither , nor ] at ${this.at}`)
      this.space()
    }
  }

  object(depth) {
    const begin = this.at
    const members = this.members(depth)
    members.text = this.text.slice(begin, this.at)
    return members
  }

  members(depth) {
    if (depth > GF.JSON_DEPTH_MAX) bad('nesting')
    const members = new Map()
    this.at++
    this.space()
    if (this.take('}')) return members
    for (;;) {
      const name = this.string()
      if (Buffer.byteLength(name) > GF.JSON_NAME_MAX) bad('length of a name')
      if (members.has(name)) bad(`${name} twice`)
      this.space()
      if (!this.take(':')) bad(`no : at ${this.at}`)
      this.space()
      members.set(name, this.value(depth))
      if (members.size > GF.JSON_MEMBERS_MAX) bad('members of an object')
      this.space()
      if (this.take('}')) return members
      if (!this.take(',')) bad(`neither , nor } at ${this.at}`)
      this.space()
    }
  }
}

export function utf8(bytes) {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

export function parse(bytes) {
  const text = utf8(bytes) ?? bad('UTF-8')
  const parser = new Parser(text)
  parser.space()
  const value = parser.value(0)
  parser.space()
  if (parser.at !== text.length) bad(`something follows at ${parser.at}`)
  return value
}
