/** The real world behind the ports of `base`: time, randomness, disk. Used by the composition root and by tests only. */
export { systemClock } from './clock.ts'
export { systemRandom } from './random.ts'
export { systemDisk } from './disk.ts'
export { systemBlockingDisk } from './blocking-disk.ts'
export { systemThreads } from './threads.ts'
