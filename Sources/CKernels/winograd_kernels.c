// Winograd's kernel transform, computed in float64.

#include "multiversion.h"
#include "winograd.h"

enum { LANES = 8, MOST = 8 };

/// One element of each of eight kernels.
typedef double lanes __attribute__((vector_size(LANES * sizeof(double))));

INLINE void transform_kernels(const double *matrix, int n, int r, const float *kernels, ptrdiff_t count,
                              ptrdiff_t present, float *result) {
    lanes kernel[MOST * MOST] = {0}, half[MOST * MOST];
    double *values = (double *)kernel;
    for (ptrdiff_t lane = 0; lane < present; lane++) {
        for (int tap = 0; tap < r * r; tap++) values[tap * LANES + lane] = (double)kernels[lane * r * r + tap];
    }
    for (int i = 0; i < n; i++) {
        for (int x = 0; x < r; x++) {
            lanes sum = {0};
            for (int y = 0; y < r; y++) sum += matrix[i * r + y] * kernel[y * r + x];
            half[i * r + x] = sum;
        }
    }
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++) {
            lanes sum = {0};
            for (int x = 0; x < r; x++) sum += half[i * r + x] * matrix[j * r + x];
            for (ptrdiff_t lane = 0; lane < present; lane++) result[(i * n + j) * count + lane] = (float)sum[lane];
        }
    }
}

INLINE void kernel_winograd_kernels_body(const double *matrix, int extent, int kernel_extent, const float *kernels,
                                         ptrdiff_t count, float *result) {
    ptrdiff_t first = 0;
    for (; first + LANES <= count; first += LANES) {
        transform_kernels(matrix, extent, kernel_extent, kernels + first * kernel_extent * kernel_extent, count, LANES,
                          result + first);
    }
    if (first < count) {
        transform_kernels(matrix, extent, kernel_extent, kernels + first * kernel_extent * kernel_extent, count,
                          count - first, result + first);
    }
}

KERNEL_VERSIONS(kernel_winograd_kernels,
                (const double *matrix, int extent, int kernel_extent, const float *kernels, ptrdiff_t count,
                 float *result),
                (matrix, extent, kernel_extent, kernels, count, result))
