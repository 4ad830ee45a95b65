/** Comparing a restored file with a hole of the snapshot. */
import type { DiskFile } from '../../base/disk.ts'

/** Whether `length` bytes at `at` are zeros; holes are not read. */
export async function isZero(file: DiskFile, at: number, length: number): Promise<boolean> {
  const block = Buffer.alloc(Math.min(length, 1024 * 1024))
  const end = at + length
  for (let next = await file.nextData(at); next !== undefined && next.from < end; next = await file.nextData(at)) {
    at = Math.max(at, next.from)
    const piece = block.subarray(0, Math.min(block.length, next.to - at, end - at))
    if ((await file.read(piece, at)) !== piece.length || piece.some((byte) => byte !== 0)) return false
    at += piece.length
    if (at >= end) return true
  }
  return (await file.stat()).size >= end
}
