/**
 * Keeps the process small while the engine's threads work. V8's young generation grows by itself to 128 MiB of the main
 * thread's as soon as a few MiB survive at a time, and stays resident; collecting 16 MiB more often costs the engine
 * nothing that can be measured. Its old generation, once large, may grow to about twice what lives in it before it is
 * collected, and buffers that are garbage count as nothing until then: a restore of 20 GiB took 288 MB instead of 238,
 * a verify of 100,000 files 309 instead of 222, for 4 % more CPU there and none elsewhere. And what the threads hand
 * back to the allocator stays resident in holes of its arenas: 40 MB of 233 after 8 GiB.
 */
import { setFlagsFromString } from 'node:v8'
import { libc } from './libc.ts'

/** Of what lived at the last collection. */
const OLD_GROWS_BY_PERCENT = 25
/** Takes 7 ms. */
const TRIM_EVERY_MS = 1000

let threads = 0
let trimming: NodeJS.Timeout | undefined

/** To be called when a thread starts; what it returns, once, when that thread has ended. */
export function keepSmall(): () => void {
  boundYoungGeneration()
  setFlagsFromString(`--heap-growing-percent=${String(OLD_GROWS_BY_PERCENT)}`)
  threads++
  trimming ??= setInterval(() => libc().trim?.(), TRIM_EVERY_MS).unref()
  return () => {
    threads--
    if (threads > 0) return
    clearInterval(trimming)
    trimming = undefined
    libc().trim?.()
  }
}

/** It stays as large as it is now: for the main thread once everything is loaded, 16 to 32 MiB. For the whole process. */
export function boundYoungGeneration(): void {
  setFlagsFromString('--semi-space-growth-factor=1')
}
