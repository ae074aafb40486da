// BLAKE2b (RFC 7693) with any length of output and an optional key. A 64-bit word is two 32-bit ones:
// the low half at an even index, the high half after it.

const IV = new Uint32Array([
  0xf3bcc908, 0x6a09e667, 0x84caa73b, 0xbb67ae85, 0xfe94f82b, 0x3c6ef372, 0x5f1d36f1, 0xa54ff53a,
  0xade682d1, 0x510e527f, 0x2b3e6c1f, 0x9b05688c, 0xfb41bd6b, 0x1f83d9ab, 0x137e2179, 0x5be0cd19,
])

const SIGMA = [
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
  [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
  [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
  [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
  [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
  [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
  [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
  [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
  [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
  [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
]

const BLOCK = 128
const v = new Uint32Array(32)
const m = new Uint32Array(32)

// v[a] += v[b] + the word (low, high)
function add3(a, b, low, high) {
  const sum = v[a] + v[b] + low
  v[a + 1] = v[a + 1] + v[b + 1] + high + Math.floor(sum / 0x100000000)
  v[a] = sum
}

// v[a] = (v[a] ^ v[b]) rotated right by `by` bits
function xorRotate(a, b, by) {
  const low = v[a] ^ v[b]
  const high = v[a + 1] ^ v[b + 1]
  if (by === 32) {
    v[a] = high
    v[a + 1] = low
  } else if (by === 63) {
    v[a] = (low << 1) | (high >>> 31)
    v[a + 1] = (high << 1) | (low >>> 31)
  } else {
    v[a] = (low >>> by) | (high << (32 - by))
    v[a + 1] = (high >>> by) | (low << (32 - by))
  }
}

function mix(a, b, c, d, x, y) {
  add3(a, b, m[x], m[x + 1])
  xorRotate(d, a, 32)
  add3(c, d, 0, 0)
  xorRotate(b, c, 24)
  add3(a, b, m[y], m[y + 1])
  xorRotate(d, a, 16)
  add3(c, d, 0, 0)
  xorRotate(b, c, 63)
}

function compress(h, block, at, counted, last) {
  for (let i = 0; i < 16; i++) {
    v[i] = h[i]
    v[i + 16] = IV[i]
  }
  v[24] ^= counted >>> 0
  v[25] ^= Math.floor(counted / 0x100000000)
  if (last) {
    v[28] = ~v[28]
    v[29] = ~v[29]
  }
  for (let i = 0; i < 32; i++) m[i] = block.readUInt32LE(at + 4 * i)
  for (let round = 0; round < 12; round++) {
    const s = SIGMA[round % 10]
    for (let i = 0; i < 4; i++) {
      mix(2 * i, 2 * i + 8, 2 * i + 16, 2 * i + 24, 2 * s[2 * i], 2 * s[2 * i + 1])
    }
    for (let i = 0; i < 4; i++) {
      const b = 2 * ((i + 1) % 4) + 8
      const c = 2 * ((i + 2) % 4) + 16
      const d = 2 * ((i + 3) % 4) + 24
      mix(2 * i, b, c, d, 2 * s[2 * i + 8], 2 * s[2 * i + 9])
    }
  }
  for (let i = 0; i < 16; i++) h[i] ^= v[i] ^ v[i + 16]
}

export function blake2b(length, data, key = Buffer.alloc(0)) {
  const h = Uint32Array.from(IV)
  h[0] ^= 0x01010000 ^ (key.length << 8) ^ length
  let input = Buffer.from(data.buffer, data.byteOffset, data.length)
  if (key.length) {
    const block = Buffer.alloc(BLOCK)
    key.copy(block)
    input = Buffer.concat([block, input])
  }
  // The last block is the one that is marked, even where it is full; an empty input has one of zeros.
  let at = 0
  for (; input.length - at > BLOCK; at += BLOCK) compress(h, input, at, at + BLOCK, false)
  const rest = Buffer.alloc(BLOCK)
  input.copy(rest, 0, at)
  compress(h, rest, 0, input.length, true)
  const out = Buffer.alloc(64)
  for (let i = 0; i < 16; i++) out.writeUInt32LE(h[i], 4 * i)
  return out.subarray(0, length)
}

export const b256 = (data) => blake2b(32, data)
export const b256Keyed = (key, data) => blake2b(32, data, key)
