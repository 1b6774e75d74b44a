// Codes of an authenticator app (RFC 6238: SHA-1, six digits, 30 s).

import { createHmac } from 'node:crypto'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
const STEP_MS = 30_000

function bytesOf(base32) {
  const bits = [...base32.replace(/[\s=]/g, '')]
    .map((letter) => ALPHABET.indexOf(letter).toString(2).padStart(5, '0'))
    .join('')
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)))
}

/** The code of a Base32 key at a time. */
export function totp(key, at_ms) {
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(Math.floor(at_ms / STEP_MS)))
  const hash = createHmac('sha1', bytesOf(key)).update(counter).digest()
  const offset = hash[19] & 15
  return String((hash.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0')
}

/** Codes that each belong to a later step than the previous one, because a code is accepted once. */
export function codesOf(key) {
  let last = 0
  return () => {
    last = Math.max(Math.floor(Date.now() / STEP_MS), last + 1)
    return totp(key, last * STEP_MS)
  }
}
