/** What a thread of the engine needs, and nothing of the rest of the room: threads start fast. */
export type { KernelSetup } from './jobs.ts'
export { createKernel, type Kernel, type KernelDeps } from './kernel.ts'
