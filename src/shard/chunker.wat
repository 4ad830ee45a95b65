;; Content-defined cut points: FastCDC over the gear hash. Spec: docs/spec/02-shard.md § Chunks.
;; Memory: the gear table of 256 words at 0; where data and results lie is the caller's choice.
;; The readable twin is in test/shard/chunker.test.ts; `node scripts/build-wasm.ts` rebuilds the bytes.
(module
  (memory (export "memory") 1)

  ;; Cuts the bytes from $at to $end; writes the length of each chunk as a word from $out on; returns their number.
  ;; Unless $last is set it stops as soon as less than $max is left: what follows may decide on the next cut.
  (func (export "cut")
    (param $at i32) (param $end i32) (param $last i32) (param $out i32)
    (param $min i32) (param $average i32) (param $max i32) (param $strict i32) (param $loose i32)
    (result i32)
    (local $position i32) (local $stop i32) (local $normal i32) (local $hash i32) (local $count i32) (local $rest i32)
    (block $done
      (loop $chunk
        (local.set $rest (i32.sub (local.get $end) (local.get $at)))
        (br_if $done (i32.eqz (local.get $rest)))
        (br_if $done (i32.and (i32.eqz (local.get $last)) (i32.lt_u (local.get $rest) (local.get $max))))
        (local.set $position (local.get $end))
        (if (i32.gt_u (local.get $rest) (local.get $min))
          (then
            (local.set $stop (select
              (local.get $end)
              (i32.add (local.get $at) (local.get $max))
              (i32.lt_u (local.get $rest) (local.get $max))))
            (local.set $normal (select
              (local.get $stop)
              (i32.add (local.get $at) (local.get $average))
              (i32.lt_u (local.get $rest) (local.get $average))))
            ;; The hash depends on the 32 bytes before a position: the bytes before those are skipped.
            (local.set $position (i32.sub (i32.add (local.get $at) (local.get $min)) (i32.const 32)))
            (local.set $hash (i32.const 0))
            (loop $warm
              (local.set $hash (i32.add
                (i32.shl (local.get $hash) (i32.const 1))
                (i32.load (i32.shl (i32.load8_u (local.get $position)) (i32.const 2)))))
              (local.set $position (i32.add (local.get $position) (i32.const 1)))
              (br_if $warm (i32.lt_u (local.get $position) (i32.add (local.get $at) (local.get $min)))))
            (block $found
              (block $average_reached
                (loop $small
                  (br_if $average_reached (i32.ge_u (local.get $position) (local.get $normal)))
                  (br_if $found (i32.eqz (i32.and (local.get $hash) (local.get $strict))))
                  (local.set $hash (i32.add
                    (i32.shl (local.get $hash) (i32.const 1))
                    (i32.load (i32.shl (i32.load8_u (local.get $position)) (i32.const 2)))))
                  (local.set $position (i32.add (local.get $position) (i32.const 1)))
                  (br $small)))
              (loop $large
                (br_if $found (i32.ge_u (local.get $position) (local.get $stop)))
                (br_if $found (i32.eqz (i32.and (local.get $hash) (local.get $loose))))
                (local.set $hash (i32.add
                  (i32.shl (local.get $hash) (i32.const 1))
                  (i32.load (i32.shl (i32.load8_u (local.get $position)) (i32.const 2)))))
                (local.set $position (i32.add (local.get $position) (i32.const 1)))
                (br $large)))))
        (i32.store (local.get $out) (i32.sub (local.get $position) (local.get $at)))
        (local.set $out (i32.add (local.get $out) (i32.const 4)))
        (local.set $count (i32.add (local.get $count) (i32.const 1)))
        (local.set $at (local.get $position))
        (br $chunk)))
    (local.get $count))
)
