/**
 * Preloaded before anything of tap (scripts/test.ts): nothing hooks the loading of modules. tap would note which files
 * a test reads, for a coverage nobody asks for; Node then keeps no compiled code, and every file takes a second more.
 */
import module, { syncBuiltinESMExports } from 'node:module'

module.registerHooks = () => ({ deregister: () => undefined })
syncBuiltinESMExports()
