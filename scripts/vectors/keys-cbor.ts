/** Vectors of docs/spec/01-keys.md § Encoding: one item has one encoding. */
import { hex, open, unhex } from './open.ts'
import { failing, toJson, type Vector } from './vector.ts'

const spec = '01§Encoding'

export function cborVectors(): Vector[] {
  return [...values().map(good), ...malformed().map(([name, cbor, why]) => bad(name, cbor, why))]
}

function values(): [string, unknown, string][] {
  return [
    ['null', null, 'a simple value'],
    ['true', true, 'a simple value'],
    ['zero', 0, 'the smallest integer'],
    ['23', 23, 'the last integer in the head byte'],
    ['24', 24, 'the first integer with a byte of its own'],
    ['65536', 65_536, 'four bytes'],
    ['2^53 - 1', Number.MAX_SAFE_INTEGER, 'the last one that is a JavaScript number'],
    ['2^53', 2n ** 53n, 'the first one that is not'],
    ['2^64 - 1', 2n ** 64n - 1n, 'the largest integer'],
    ['-1', -1, 'negative'],
    ['-2^64', -(2n ** 64n), 'the smallest integer'],
    ['empty bytes', new Uint8Array(0), 'byte strings may be empty'],
    ['text', 'grüße, 世界 🌍', 'UTF-8'],
    ['array', [1, [2, 3], []], 'nested'],
    ['map in order', { k: 1, n: 2, id: 3, aa: 4, abc: 5 }, 'keys ascend by length, then bytes'],
    ['empty map', {}, 'maps may be empty'],
    ['24 levels', nested(24), 'the deepest nesting'],
  ]
}

function good([name, value, why]: [string, unknown, string]): Vector {
  const cbor = hex(open.encode(value))
  return { name: `CBOR ${name}`, spec, input: { kind: 'cbor', cbor }, expect: { value: toJson(value) }, why }
}

function malformed(): [string, string, string][] {
  return [
    ['nothing', '', 'one item is needed'],
    ['trailing byte', '0000', 'one item and no more'],
    ['long zero', '1800', 'integers take the shortest form'],
    ['long 255', '1900ff', 'integers take the shortest form'],
    ['long negative', '3800', 'integers take the shortest form'],
    ['long byte string length', '580100', 'lengths take the shortest form'],
    ['long array length', '980100', 'lengths take the shortest form'],
    ['indefinite array', '9f00ff', 'lengths are definite'],
    ['indefinite text', '7f6161ff', 'lengths are definite'],
    ['indefinite map', 'bf616100ff', 'lengths are definite'],
    ['float', 'f93c00', 'no floats, not even whole ones'],
    ['double', 'fb3ff8000000000000', 'no floats'],
    ['NaN', 'f97e00', 'no floats'],
    ['undefined', 'f7', 'no undefined'],
    ['simple value 16', 'f0', 'no other simple values'],
    ['tag', 'c100', 'no tags'],
    ['bignum', 'c249010000000000000000', 'no tags, so no big numbers'],
    ['keys out of order', 'a2616200616100', 'keys ascend'],
    ['longer key first', 'a262616100616200', 'shorter keys first'],
    ['duplicate key', 'a2616100616100', 'keys differ'],
    ['integer key', 'a10000', 'keys are text'],
    ['bytes key', 'a1416100', 'keys are text'],
    ['text not UTF-8', '61ff', 'text is well-formed'],
    ['surrogate in text', '63eda080', 'text is well-formed'],
    ['text with byte order mark', '64efbbbf61', 'a mark in front would be dropped by decoders'],
    ['truncated text', '6361', 'all announced bytes must be there'],
    ['truncated array', '8200', 'all announced items must be there'],
    ['huge length', '5b7fffffffffffffff', 'lengths are checked before memory is taken'],
    ['25 levels', hex(open.encode(nested(25))), 'nested too deeply'],
  ]
}

function bad(name: string, cbor: string, why: string): Vector {
  const vector = { name: `CBOR ${name}`, spec, input: { kind: 'cbor', cbor }, error: 'VALIDATION_DECODE', why }
  return failing(vector, () => open.decode(unhex(cbor)))
}

function nested(levels: number): unknown {
  return levels === 0 ? 0 : [nested(levels - 1)]
}
