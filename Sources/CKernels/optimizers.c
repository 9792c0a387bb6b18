// Optimiser steps over contiguous parameters, and the sum of squares for gradient clipping.

#include "optimizers.h"

#include "multiversion.h"

INLINE void kernel_sgd_body(float *restrict values, const float *restrict gradients, ptrdiff_t count,
                            float gradient_scale, float weight_decay, float rate) {
    for (ptrdiff_t i = 0; i < count; i++) {
        values[i] -= rate * (gradients[i] * gradient_scale + weight_decay * values[i]);
    }
}

KERNEL_VERSIONS(kernel_sgd,
                (float *values, const float *gradients, ptrdiff_t count, float gradient_scale, float weight_decay, float rate),
                (values, gradients, count, gradient_scale, weight_decay, rate))

INLINE void kernel_momentum_body(float *restrict values, const float *restrict gradients, float *restrict velocities,
                                 ptrdiff_t count, float gradient_scale, float weight_decay, float rate, float momentum,
                                 bool nesterov) {
    for (ptrdiff_t i = 0; i < count; i++) {
        const float gradient = gradients[i] * gradient_scale + weight_decay * values[i];
        const float velocity = momentum * velocities[i] + gradient;
        velocities[i] = velocity;
        values[i] -= rate * (nesterov ? gradient + momentum * velocity : velocity);
    }
}

KERNEL_VERSIONS(kernel_momentum,
                (float *values, const float *gradients, float *velocities, ptrdiff_t count, float gradient_scale,
                 float weight_decay, float rate, float momentum, bool nesterov),
                (values, gradients, velocities, count, gradient_scale, weight_decay, rate, momentum, nesterov))

INLINE void kernel_adagrad_body(float *restrict values, const float *restrict gradients, float *restrict sums,
                                ptrdiff_t count, float gradient_scale, float weight_decay, float rate, float epsilon) {
    for (ptrdiff_t i = 0; i < count; i++) {
        const float gradient = gradients[i] * gradient_scale + weight_decay * values[i];
        const float sum = sums[i] + gradient * gradient;
        sums[i] = sum;
        values[i] -= rate * gradient / (SQUARE_ROOT(sum) + epsilon);
    }
}

KERNEL_VERSIONS(kernel_adagrad,
                (float *values, const float *gradients, float *sums, ptrdiff_t count, float gradient_scale,
                 float weight_decay, float rate, float epsilon),
                (values, gradients, sums, count, gradient_scale, weight_decay, rate, epsilon))

INLINE void kernel_adam_body(float *restrict values, const float *restrict gradients, float *restrict first,
                             float *restrict second, ptrdiff_t count, const kernel_adam_factors *factors) {
    const kernel_adam_factors f = *factors;
    for (ptrdiff_t i = 0; i < count; i++) {
        const float gradient = gradients[i] * f.gradient_scale + f.weight_decay * values[i];
        const float average = first[i] + (gradient - first[i]) * f.first_weight;
        const float square = f.second_decay * second[i] + f.second_weight * gradient * gradient;
        first[i] = average;
        second[i] = square;
        values[i] = f.shrinkage * values[i] - f.rate * average / (SQUARE_ROOT(square) * f.root_correction + f.epsilon);
    }
}

KERNEL_VERSIONS(kernel_adam,
                (float *values, const float *gradients, float *first, float *second, ptrdiff_t count,
                 const kernel_adam_factors *factors),
                (values, gradients, first, second, count, factors))

INLINE void kernel_moving_average_body(float *restrict averages, const float *restrict values, ptrdiff_t count,
                                       float weight) {
    for (ptrdiff_t i = 0; i < count; i++) averages[i] += (values[i] - averages[i]) * weight;
}

KERNEL_VERSIONS(kernel_moving_average, (float *averages, const float *values, ptrdiff_t count, float weight),
                (averages, values, count, weight))

/// Number of independent accumulators: four of the widest vectors.
#define SUM_COUNT 32

INLINE void kernel_sum_of_squares_body(const float *values, ptrdiff_t count, double *sum) {
    // The square of a float is exact in double, so a fused multiply-add gives the same result as a separate one.
    double sums[SUM_COUNT] = {0};
    ptrdiff_t i = 0;
    for (; i + SUM_COUNT <= count; i += SUM_COUNT) {
        for (ptrdiff_t j = 0; j < SUM_COUNT; j++) sums[j] += (double)values[i + j] * (double)values[i + j];
    }
    for (ptrdiff_t j = 0; i < count; i++, j++) sums[j] += (double)values[i] * (double)values[i];
    for (ptrdiff_t width = SUM_COUNT / 2; width > 0; width /= 2) {
        for (ptrdiff_t j = 0; j < width; j++) sums[j] += sums[j + width];
    }
    *sum = sums[0];
}

KERNEL_VERSIONS(kernel_sum_of_squares, (const float *values, ptrdiff_t count, double *sum), (values, count, sum))
