/**
 * Solves `A x = b` for a symmetric positive definite `A` that is only known by what it does to a vector.
 *
 * @param apply gives `A` times its argument.
 * @param tolerance how small the remaining error must be compared with `b`. Default: 0.1, enough for a step of Newton's method.
 * @param maxSteps most steps. Default: 100.
 */
export function conjugateGradient(
  apply: (vector: Float64Array) => Float64Array,
  b: Float64Array,
  tolerance = 0.1,
  maxSteps = 100,
): Float64Array {
  const x = new Float64Array(b.length);
  const residual = b.slice();
  const direction = b.slice();
  let size = dot(residual, residual);
  const goal = tolerance ** 2 * size;
  for (let step = 0; step < maxSteps && size > goal; step++) {
    const image = apply(direction);
    const length = size / dot(direction, image);
    addScaled(x, length, direction);
    addScaled(residual, -length, image);
    const next = dot(residual, residual);
    for (let index = 0; index < direction.length; index++) {
      direction[index] = (residual[index] as number) + (next / size) * (direction[index] as number);
    }
    size = next;
  }
  return x;
}

function dot(left: Float64Array, right: Float64Array): number {
  let sum = 0;
  for (let index = 0; index < left.length; index++) sum += (left[index] as number) * (right[index] as number);
  return sum;
}

function addScaled(target: Float64Array, factor: number, vector: Float64Array): void {
  for (let index = 0; index < target.length; index++) {
    target[index] = (target[index] as number) + factor * (vector[index] as number);
  }
}
