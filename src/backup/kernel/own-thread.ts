/** `Threads` without threads: jobs run where they are asked for. For tests, the simulator, and faults of the disk. */
import type { Threads } from '../../base/threads.ts'
import type { KernelSetup } from './jobs.ts'
import { createKernel, type KernelDeps } from './kernel.ts'

/** `count` kernels, each with a packer of its own, all on the caller's thread. */
export function ownThread(deps: KernelDeps, count = 1): Threads {
  return {
    count,
    start(setup) {
      const kernel = createKernel(setup as KernelSetup, deps)
      return {
        run: async (job) => kernel.run(job).result,
        stop: async () => undefined,
      }
    },
  }
}
