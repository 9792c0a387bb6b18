// JPEG by libjpeg-turbo.
//
// Outside the window only the entropy coding is decoded, to find the rest of the data and the end of the file; the
// inverse DCT and colour conversion are skipped. A truncated file is an error; libjpeg would fill the rest with grey.
// The library's warnings (a premature end of a segment, bytes between markers) are ignored; its errors longjmp back
// into this file.
//
// The library reads the file in chunks (source windows). Refills, the progress callback and decoded rows all count as
// work, so that cancellation is checked every few milliseconds.

#include "reader.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>
#include <jerror.h>

/// The most scans. Each scan passes over the whole image, however few bytes it has; encoders write about ten.
static const int scan_limit = 64;

/// How much of the file the library sees at once. Near the end of a chunk its fast entropy decoder falls back to the
/// slow one; that affects about 1 % of the chunk. Units: bytes.
enum { source_window = 1 << 18 };

typedef struct {
    codec_reader base;
    struct jpeg_decompress_struct library;
    struct jpeg_error_mgr errors;
    struct jpeg_source_mgr source;
    /// The file after the current chunk.
    const uint8_t *rest;
    size_t rest_count;
    struct jpeg_progress_mgr progress;
    jmp_buf failure;
    codec_status status;
    /// Whether decoding has reached the pixels; from then on, running out of bytes is an error.
    int is_within_pixels;
    /// One row of the window; four channels for CMYK.
    JSAMPARRAY spare;
} jpeg_reader;

static void fail(jpeg_reader *reader, codec_status status, const char *text) {
    codec_set_message(reader->base.message, text);
    reader->status = status;
    longjmp(reader->failure, 1);
}

static void on_error(j_common_ptr library) {
    jpeg_reader *reader = library->client_data;
    char text[JMSG_LENGTH_MAX];
    library->err->format_message(library, text);
    switch (library->err->msg_code) {
    case JERR_SOF_UNSUPPORTED:
    case JERR_BAD_PRECISION:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_CCIR601_NOTIMPL:
    case JERR_FRACT_SAMPLE_NOTIMPL: fail(reader, codec_unsupported, text); break;
    // There is no backing store (temporary file), so exceeding the memory limit is an error.
    case JERR_NO_BACKING_STORE:
    case JERR_OUT_OF_MEMORY: fail(reader, codec_out_of_memory, "its coefficients take more memory than is allowed"); break;
    default: fail(reader, codec_corrupt, text);
    }
}

static void on_message(j_common_ptr library) { (void)library; }
static void on_source(j_decompress_ptr library) { (void)library; }

static void count_work(jpeg_reader *reader, size_t work) {
    if (codec_should_stop(&reader->base, work)) {
        reader->status = codec_stopped;
        longjmp(reader->failure, 1);
    }
}

/// Supplies the next chunk of the file when the library has consumed the last one.
static boolean on_refill(j_decompress_ptr library) {
    jpeg_reader *reader = library->client_data;
    if (!reader->rest_count) {
        if (reader->is_within_pixels) { fail(reader, codec_truncated, "it ends within its pixels"); }
        return FALSE;
    }
    const size_t size = reader->rest_count < source_window ? reader->rest_count : source_window;
    library->src->next_input_byte = reader->rest;
    library->src->bytes_in_buffer = size;
    reader->rest += size;
    reader->rest_count -= size;
    count_work(reader, size);
    return TRUE;
}

static void on_skip(j_decompress_ptr library, long count) {
    if (count <= 0) { return; }
    jpeg_reader *reader = library->client_data;
    struct jpeg_source_mgr *source = library->src;
    size_t skipped = (size_t)count;
    if (skipped > source->bytes_in_buffer) {
        skipped -= source->bytes_in_buffer;
        if (skipped > reader->rest_count) { skipped = reader->rest_count; }
        reader->rest += skipped;
        reader->rest_count -= skipped;
        skipped = source->bytes_in_buffer;
    }
    source->next_input_byte += skipped;
    source->bytes_in_buffer -= skipped;
}

/// Called after every row of blocks (MCU row) of a scan.
static void on_progress(j_common_ptr library) {
    j_decompress_ptr decompressor = (j_decompress_ptr)library;
    jpeg_reader *reader = library->client_data;
    if (decompressor->input_scan_number > scan_limit) { fail(reader, codec_corrupt, "it has more than 64 scans"); }
    count_work(reader, (size_t)decompressor->image_width * DCTSIZE);
}

static void open_reader(jpeg_reader *reader, const uint8_t *bytes, size_t count) {
    struct jpeg_decompress_struct *library = &reader->library;
    jpeg_create_decompress(library);
    library->client_data = reader;
    reader->source.init_source = on_source;
    reader->source.fill_input_buffer = on_refill;
    reader->source.skip_input_data = on_skip;
    reader->source.resync_to_restart = jpeg_resync_to_restart;
    reader->source.term_source = on_source;
    reader->source.next_input_byte = bytes;
    reader->source.bytes_in_buffer = count < source_window ? count : source_window;
    reader->rest = bytes + reader->source.bytes_in_buffer;
    reader->rest_count = count - reader->source.bytes_in_buffer;
    library->src = &reader->source;
    reader->progress.progress_monitor = on_progress;
    library->progress = &reader->progress;
    library->mem->max_memory_to_use = (long)reader->base.control.byte_limit;

    int found;
    do {
        found = jpeg_read_header(library, FALSE);
    } while (found == JPEG_HEADER_TABLES_ONLY);
    if (found == JPEG_SUSPENDED) { fail(reader, codec_truncated, "it ends within its header"); }
    switch (library->num_components) {
    case 1:
    case 3: library->out_color_space = JCS_RGB; break;
    case 4: library->out_color_space = JCS_CMYK; break;
    default: fail(reader, codec_unsupported, "it has neither 1, 3 nor 4 components");
    }
}

/// a * b / 255, rounded.
static inline int multiply(int a, int b) {
    int product = a * b + 128;
    return ((product >> 8) + product) >> 8;
}

/// CMYK to RGB. Adobe's files, which are nearly all, store inverted CMYK: 255 is no ink.
static void convert_inverted_cmyk(const uint8_t *restrict inks, uint8_t *restrict pixels, size_t count) {
    for (size_t i = 0; i < count; i++) {
        int light = inks[4 * i + 3];
        for (int c = 0; c < 3; c++) {
            pixels[3 * i + c] = (uint8_t)(light - multiply(255 - inks[4 * i + c], light));
        }
    }
}

/// Extra context around the window for chroma upsampling: columns on both sides, rows above. Units: pixels.
enum { side_margin = 16, top_margin = 32 };

/// Reads at least one and at most `wanted` rows.
static void read_some(jpeg_reader *reader, JSAMPARRAY rows, JDIMENSION wanted) {
    const JDIMENSION given = jpeg_read_scanlines(&reader->library, rows, wanted);
    if (given == 0) { fail(reader, codec_truncated, "it ends within its pixels"); }
    count_work(reader, (size_t)given * reader->library.output_width);
}

/// Whether the library estimates coefficients that no scan has brought. It then looks at the blocks around each block, and takes the edges
/// of a window for those of the image.
static int is_smoothed(const struct jpeg_decompress_struct *library) {
    if (!library->progressive_mode || !library->do_block_smoothing || library->coef_bits == NULL) { return 0; }
    for (int c = 0; c < library->num_components; c++) {
        for (int i = 0; i < DCTSIZE2; i++) {
            if (library->coef_bits[c][i] != 0) { return 1; }
        }
    }
    return 0;
}

static void begin_attempt(jpeg_reader *reader, uint32_t denominator, codec_window *window) {
    struct jpeg_decompress_struct *library = &reader->library;
    library->scale_num = 1;
    library->scale_denom = denominator;
    if (!jpeg_start_decompress(library)) { fail(reader, codec_truncated, "it ends before its last scan"); }
    reader->is_within_pixels = 1;
    if ((uint64_t)window->left + window->width > library->output_width
        || (uint64_t)window->top + window->height > library->output_height) {
        fail(reader, codec_corrupt, "its size changed");
    }
    // The library crops to wrong columns when an image is scaled and its horizontal chroma subsampling is above 2.
    const int can_crop = (denominator == 1 || library->max_h_samp_factor <= 2) && !is_smoothed(library);
    const JDIMENSION right = window->left + window->width;
    JDIMENSION left = can_crop && window->left > side_margin ? window->left - side_margin : 0;
    JDIMENSION end = can_crop && library->output_width - right > side_margin ? right + side_margin
                                                                             : library->output_width;
    JDIMENSION width = end - left;
    if (width < library->output_width) { jpeg_crop_scanline(library, &left, &width); }
    window->left = left;
    window->width = width;
    const int is_cmyk = library->out_color_space == JCS_CMYK;
    reader->spare = library->mem->alloc_sarray(
        (j_common_ptr)library, JPOOL_IMAGE, (is_cmyk ? 4 : 3) * library->output_width, 1);
    if (window->top > top_margin) { jpeg_skip_scanlines(library, window->top - top_margin); }
    while (library->output_scanline < window->top) { read_some(reader, reader->spare, 1); }
}

static codec_status begin(codec_reader *base, uint32_t denominator, codec_window *window) {
    jpeg_reader *reader = (jpeg_reader *)base;
    if (setjmp(reader->failure)) { return reader->status; }
    begin_attempt(reader, denominator, window);
    return codec_ok;
}

static codec_status read_rows(codec_reader *base, uint8_t *pixels, size_t stride, uint32_t row_count) {
    jpeg_reader *reader = (jpeg_reader *)base;
    struct jpeg_decompress_struct *library = &reader->library;
    if (setjmp(reader->failure)) { return reader->status; }
    const JDIMENSION first = library->output_scanline;
    while (library->output_scanline - first < row_count) {
        const JDIMENSION done = library->output_scanline - first;
        JSAMPROW rows[8];
        if (library->out_color_space == JCS_CMYK) {
            read_some(reader, reader->spare, 1);
            convert_inverted_cmyk(reader->spare[0], pixels + done * stride, library->output_width);
        } else {
            const JDIMENSION wanted = row_count - done > 8 ? 8 : row_count - done;
            for (JDIMENSION i = 0; i < wanted; i++) { rows[i] = pixels + (done + i) * stride; }
            read_some(reader, rows, wanted);
        }
    }
    return codec_ok;
}

static codec_status finish(codec_reader *base) {
    jpeg_reader *reader = (jpeg_reader *)base;
    struct jpeg_decompress_struct *library = &reader->library;
    if (setjmp(reader->failure)) { return reader->status; }
    // Skip to the last row but decode that one: if it were skipped too, the rest of the file would stay unread.
    if (library->output_scanline + 1 < library->output_height) {
        jpeg_skip_scanlines(library, library->output_height - 1 - library->output_scanline);
    }
    while (library->output_scanline < library->output_height) { read_some(reader, reader->spare, 1); }
    // All rows are decoded: a missing EOI marker is accepted now, a corrupt one is not.
    reader->is_within_pixels = 0;
    jpeg_finish_decompress(library);
    return codec_ok;
}

static void close_reader(codec_reader *base) {
    jpeg_reader *reader = (jpeg_reader *)base;
    jpeg_destroy_decompress(&reader->library);
    free(reader);
}

static const codec_operations operations = {1, begin, read_rows, finish, close_reader};

/// Reads the header. On errors control returns here with the reader's status set.
static codec_status open_attempt(jpeg_reader *reader, const uint8_t *bytes, size_t count, codec_size *size) {
    if (setjmp(reader->failure)) { return reader->status; }
    open_reader(reader, bytes, count);
    size->width = reader->library.image_width;
    size->height = reader->library.image_height;
    return codec_ok;
}

codec_status codec_open_jpeg(
    const uint8_t *bytes, size_t count, codec_control control, codec_reader **opened, codec_size *size,
    codec_message *message) {
    jpeg_reader *reader = calloc(1, sizeof *reader);
    *opened = (codec_reader *)reader;
    if (!reader) { return codec_report_out_of_memory(message); }
    reader->base.operations = &operations;
    reader->base.message = message;
    reader->base.control = control;
    reader->library.err = jpeg_std_error(&reader->errors);
    reader->library.client_data = reader;
    reader->errors.error_exit = on_error;
    reader->errors.output_message = on_message;
    return open_attempt(reader, bytes, count, size);
}
