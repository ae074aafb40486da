// Zstandard frames, step 21: section 8.1. Walks their headers and blocks; zstd itself undoes them.

import { spawnSync } from 'node:child_process'
import { GF, refuse } from './limits.mjs'

const FRAME_LENGTH_MAX = GF.FRAME_MAX + 4160
const bad = (text) => refuse('frame', text)

// The length of the frame at `at` and the size of content that it states.
function frameAt(bytes, at) {
  let next = at
  const take = (n) => {
    if (next + n > bytes.length) bad('cut off')
    next += n
    return bytes.subarray(next - n, next)
  }
  if (take(4).readUInt32LE() !== 0xfd2fb528) bad(`no frame at ${at}`)
  const descriptor = take(1)[0]
  const single = (descriptor & 0x20) !== 0
  if (descriptor & 0x08) bad('reserved bit')
  if (descriptor & 0x03) bad('dictionary')
  if (!single) {
    const window = take(1)[0]
    const base = 2 ** (10 + (window >> 3))
    if (base + (base / 8) * (window & 7) > GF.FRAME_MAX) bad('window')
  }
  const flag = descriptor >> 6
  if (flag === 0 && !single) bad('no size of content')
  const field = take([1, 2, 4, 8][flag])
  const content = [() => field[0], () => field.readUInt16LE() + 256, () => field.readUInt32LE(), () => Number(field.readBigUInt64LE())][flag]()
  if (content < 1 || content > GF.FRAME_MAX) bad('size of content')
  for (let last = false; !last;) {
    const header = take(3).readUIntLE(0, 3)
    const type = (header >> 1) & 3
    last = (header & 1) === 1
    if (type === 3) bad('reserved block type')
    take(type === 1 ? 1 : header >> 3)
    if (next - at > FRAME_LENGTH_MAX) bad('length')
  }
  if (descriptor & 0x04) take(4)
  if (next - at > FRAME_LENGTH_MAX) bad('length')
  return { length: next - at, content }
}

export function decompress(bytes) {
  let content = 0
  let at = 0
  for (let frames = 1; at < bytes.length; frames++) {
    if (frames > GF.FRAMES_MAX) refuse('limit', 'frames')
    const frame = frameAt(bytes, at)
    at += frame.length
    content += frame.content
    if (content > GF.ARCHIVE_MAX) refuse('limit', 'content')
  }
  if (content === 0) return Buffer.alloc(0)
  const zstd = spawnSync('zstd', ['-q', '-dc'], { input: bytes, maxBuffer: content + 1 })
  if (zstd.error && zstd.error.code !== 'ENOBUFS' && zstd.error.code !== 'EPIPE') throw zstd.error
  if (zstd.status !== 0 || zstd.stdout.length !== content) bad(`zstd: ${zstd.stderr}`)
  return zstd.stdout
}
