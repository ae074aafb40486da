// The values of section 2 as predicates, and closed objects (section 3).

import { GF, refuse } from './limits.mjs'

export const isString = (v) => typeof v === 'string'
export const isObject = (v) => v instanceof Map
export const isBool = (v) => typeof v === 'boolean'
const lengthOf = (v) => Buffer.byteLength(v)

export const isId = (v) => isString(v) && /^[0-9a-f]{32}$/.test(v)
export const isHash = (v) => isString(v) && /^[0-9a-f]{64}$/.test(v)
export const isHash64 = (v) => isString(v) && /^[0-9a-f]{128}$/.test(v)
export const isNumber = (from, to = Number.MAX_SAFE_INTEGER) => (v) => typeof v === 'number' && v >= from && v <= to
export const isWord = (max) => (v) => isString(v) && lengthOf(v) <= max && /^[a-z0-9][a-z0-9.-]*$/.test(v)
export const isText = (min, max = Infinity) => (v) => isString(v) && lengthOf(v) >= min && lengthOf(v) <= max
export const isPlain = (min, max = Infinity) => (v) => isText(min, max)(v) && !/[\x00-\x1f\x7f-\x9f]/.test(v)
export const isUuid = (v) => isString(v) && /^[0-9a-f]{8}-[0-9a-f]{4}-[78][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(v)
export const isToken = (v) => isString(v) && /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(v)
export const isOneOf = (...values) => (v) => values.includes(v)
export const orNull = (test) => (v) => v === null || test(v)
export const isArray = (max, test) => (v) => Array.isArray(v) && v.length <= max && v.every(test)
export const isRising = (max, test) => (v) => isArray(max, test)(v) && v.every((n, i) => i === 0 || n > v[i - 1])
export const isDistinct = (v) => new Set(v).size === v.length

export function isTime(v) {
  if (!isString(v)) return false
  const found = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)Z$/.exec(v)
  if (!found) return false
  const [year, month, day, hour, minute, second] = found.slice(1).map(Number)
  if (year < 1970 || month < 1 || month > 12 || hour > 23 || minute > 59 || second > 59) return false
  return day >= 1 && day <= new Date(Date.UTC(year, month, 0)).getUTCDate()
}

export function isMediaType(v) {
  if (!isText(1, GF.TYPE_MAX)(v)) return false
  const found = /^([^/]+)\/([^/; ]+)(| *;[\x20-\x7e]*)$/.exec(v)
  return found !== null && isToken(found[1]) && isToken(found[2])
}

// base64, section 2: the one spelling of some bytes.
export function fromBase64(text, { padded = true } = {}) {
  if (!isString(text)) return undefined
  const bytes = Buffer.from(text, 'base64')
  const spelled = bytes.toString('base64')
  return (padded ? spelled : spelled.replace(/=+$/, '')) === text ? bytes : undefined
}

// Has this object the members of `table`, a predicate for each, and no others?
export function closed(errorClass, what, object, table) {
  if (!isObject(object)) refuse(errorClass, `${what} is no object`)
  for (const name of object.keys()) {
    if (!Object.hasOwn(table, name)) refuse(errorClass, `${what} has ${name}`)
  }
  for (const [name, test] of Object.entries(table)) {
    if (!object.has(name)) refuse(errorClass, `${what} has no ${name}`)
    if (!test(object.get(name))) refuse(errorClass, `${what}: ${name}`)
  }
}

export const notBefore = (later, earlier) => later === null || earlier === null || later >= earlier
