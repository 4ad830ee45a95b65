;; Reed–Solomon kernel: rows of products over GF(2^8), polynomial 0x11D, two rows and 32 bytes at a time.
;; Spec: docs/spec/03-stripe.md § Erasure code. Built into erasure-wasm.ts; a test rebuilds it and compares the bytes.
;;
;; Memory, laid out by erasure.ts:
;;   0      product tables: for each coefficient c the 16 products c·x, then the 16 products c·(x·16), x = 0…15
;;   8192   coefficients: `rows` rows of `inputs` bytes
;;   …      inputs, then outputs, each `length` bytes, one after the other
(module
  (memory (export "memory") 1)

  ;; out[r] = Σ coefficient[r][i] · in[i] for every row r.
  ;; `rows` is even, `inputs` at least 1, `length` a multiple of 32 and not 0.
  (func (export "multiply")
    (param $coefficients i32) (param $rows i32) (param $inputs i32)
    (param $in i32) (param $out i32) (param $length i32)
    (loop $pair
      (if (local.get $rows) (then
        (call $multiplyPair
          (local.get $coefficients) (local.get $inputs) (local.get $in) (local.get $out) (local.get $length))
        (local.set $coefficients (i32.add (local.get $coefficients) (i32.shl (local.get $inputs) (i32.const 1))))
        (local.set $out (i32.add (local.get $out) (i32.shl (local.get $length) (i32.const 1))))
        (local.set $rows (i32.sub (local.get $rows) (i32.const 2)))
        (br $pair)))))

  (func $multiplyPair
    (param $coefficients i32) (param $inputs i32) (param $in i32) (param $out i32) (param $length i32)
    (local $position i32) (local $from i32) (local $coefficient i32) (local $end i32) (local $table i32)
    ;; sums: first letter the row, second the half of the 32 bytes
    (local $aa v128) (local $ab v128) (local $ba v128) (local $bb v128)
    ;; low and high nibbles of both halves
    (local $la v128) (local $ha v128) (local $lb v128) (local $hb v128)
    (local $low v128) (local $high v128)
    (local.set $end (i32.add (local.get $coefficients) (local.get $inputs)))
    (loop $step
      (local.set $aa (v128.const i64x2 0 0))
      (local.set $ab (v128.const i64x2 0 0))
      (local.set $ba (v128.const i64x2 0 0))
      (local.set $bb (v128.const i64x2 0 0))
      (local.set $from (i32.add (local.get $in) (local.get $position)))
      (local.set $coefficient (local.get $coefficients))
      (loop $input
        (local.set $la (v128.load (local.get $from)))
        (local.set $lb (v128.load offset=16 (local.get $from)))
        (local.set $ha (v128.and (i16x8.shr_u (local.get $la) (i32.const 4)) (v128.const i8x16 15 15 15 15 15 15 15 15 15 15 15 15 15 15 15 15)))
        (local.set $hb (v128.and (i16x8.shr_u (local.get $lb) (i32.const 4)) (v128.const i8x16 15 15 15 15 15 15 15 15 15 15 15 15 15 15 15 15)))
        (local.set $la (v128.and (local.get $la) (v128.const i8x16 15 15 15 15 15 15 15 15 15 15 15 15 15 15 15 15)))
        (local.set $lb (v128.and (local.get $lb) (v128.const i8x16 15 15 15 15 15 15 15 15 15 15 15 15 15 15 15 15)))

        (local.set $table (i32.shl (i32.load8_u (local.get $coefficient)) (i32.const 5)))
        (local.set $low (v128.load (local.get $table)))
        (local.set $high (v128.load offset=16 (local.get $table)))
        (local.set $aa (v128.xor (local.get $aa) (v128.xor
          (i8x16.swizzle (local.get $low) (local.get $la)) (i8x16.swizzle (local.get $high) (local.get $ha)))))
        (local.set $ab (v128.xor (local.get $ab) (v128.xor
          (i8x16.swizzle (local.get $low) (local.get $lb)) (i8x16.swizzle (local.get $high) (local.get $hb)))))

        (local.set $table (i32.shl
          (i32.load8_u (i32.add (local.get $coefficient) (local.get $inputs))) (i32.const 5)))
        (local.set $low (v128.load (local.get $table)))
        (local.set $high (v128.load offset=16 (local.get $table)))
        (local.set $ba (v128.xor (local.get $ba) (v128.xor
          (i8x16.swizzle (local.get $low) (local.get $la)) (i8x16.swizzle (local.get $high) (local.get $ha)))))
        (local.set $bb (v128.xor (local.get $bb) (v128.xor
          (i8x16.swizzle (local.get $low) (local.get $lb)) (i8x16.swizzle (local.get $high) (local.get $hb)))))

        (local.set $from (i32.add (local.get $from) (local.get $length)))
        (local.set $coefficient (i32.add (local.get $coefficient) (i32.const 1)))
        (br_if $input (i32.lt_u (local.get $coefficient) (local.get $end))))

      (local.set $from (i32.add (local.get $out) (local.get $position)))
      (v128.store (local.get $from) (local.get $aa))
      (v128.store offset=16 (local.get $from) (local.get $ab))
      (local.set $from (i32.add (local.get $from) (local.get $length)))
      (v128.store (local.get $from) (local.get $ba))
      (v128.store offset=16 (local.get $from) (local.get $bb))
      (local.set $position (i32.add (local.get $position) (i32.const 32)))
      (br_if $step (i32.lt_u (local.get $position) (local.get $length)))))
)
