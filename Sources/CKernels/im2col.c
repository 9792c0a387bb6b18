#include "convolution.h"

#include <string.h>

/// One row of columns: the value at offset (ky, kx) under each window.
static void unfold_row(const float *plane, const kernel_window *w, ptrdiff_t ky, ptrdiff_t kx, ptrdiff_t first,
                       ptrdiff_t count, float *row) {
    ptrdiff_t y = first / w->output_width;
    ptrdiff_t x = first % w->output_width;
    while (count > 0) {
        ptrdiff_t run = w->output_width - x;
        if (run > count) run = count;
        const ptrdiff_t source_y = y * w->stride_height + ky - w->padding_height;
        if (source_y < 0 || source_y >= w->height) {
            memset(row, 0, (size_t)run * sizeof(float));
        } else {
            const float *source = plane + source_y * w->width;
            ptrdiff_t source_x = x * w->stride_width + kx - w->padding_width;
            ptrdiff_t i = 0;
            for (; i < run && source_x < 0; i++, source_x += w->stride_width) row[i] = 0;
            if (w->stride_width == 1) {
                ptrdiff_t inside = w->width - source_x;
                if (inside > run - i) inside = run - i;
                if (inside > 0) {
                    memcpy(row + i, source + source_x, (size_t)inside * sizeof(float));
                    i += inside;
                }
            } else {
                for (; i < run && source_x < w->width; i++, source_x += w->stride_width) row[i] = source[source_x];
            }
            for (; i < run; i++) row[i] = 0;
        }
        row += run;
        count -= run;
        x = 0;
        y++;
    }
}

void kernel_im2col(const float *planes, ptrdiff_t channels, const kernel_window *w, ptrdiff_t first, ptrdiff_t count,
                   float *columns) {
    for (ptrdiff_t c = 0; c < channels; c++) {
        const float *plane = planes + c * w->height * w->width;
        for (ptrdiff_t ky = 0; ky < w->kernel_height; ky++) {
            for (ptrdiff_t kx = 0; kx < w->kernel_width; kx++) {
                unfold_row(plane, w, ky, kx, first, count, columns);
                columns += count;
            }
        }
    }
}
