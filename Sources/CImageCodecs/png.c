// PNG by libpng. Only the chunks that make pixels are looked at (IHDR, PLTE, IDAT): profiles, texts and suggested
// palettes are skipped unread, so none of them can be inflated into a bomb. tRNS and alpha are dropped, not blended.

#include "reader.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>
#include <zlib.h>

typedef struct {
    codec_reader base;
    png_structp library;
    png_infop info;
    const uint8_t *bytes;
    size_t count;
    codec_status status;
    uint32_t width, height;
    codec_window window;
    /// Rows that have been handed out, and rows that the library has given.
    uint32_t next_row, read_count;
    /// Bytes a pixel as the library gives them: 1 for an index, 2 for a deep grey, else 3.
    size_t pixel_byte_count;
    uint8_t colours[256][3];
    /// One row, or the whole picture where it is interlaced.
    uint8_t *rows;
    int is_interlaced;
} png_reader;

static void on_error(png_structp library, png_const_charp text) {
    png_reader *reader = png_get_error_ptr(library);
    if (reader->status == codec_ok) {
        reader->status = codec_corrupt;
        codec_say(reader->base.message, text);
    }
    png_longjmp(library, 1);
}

static void on_warning(png_structp library, png_const_charp text) { (void)library; (void)text; }

static void on_read(png_structp library, png_bytep output, size_t count) {
    png_reader *reader = png_get_io_ptr(library);
    if (count > reader->count) {
        reader->status = codec_truncated;
        codec_say(reader->base.message, "it ends within a chunk");
        png_error(library, "truncated");
    }
    memcpy(output, reader->bytes, count);
    reader->bytes += count;
    reader->count -= count;
}

static void open_reader(png_reader *reader) {
    png_structp library = reader->library;
    png_set_read_fn(library, reader, on_read);
    png_set_keep_unknown_chunks(library, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_set_user_limits(library, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_benign_errors(library, 1);
    png_read_info(library, reader->info);
}

/// An index past the palette's end is black.
static void read_palette(png_reader *reader) {
    png_colorp palette = NULL;
    int colour_count = 0;
    png_get_PLTE(reader->library, reader->info, &palette, &colour_count);
    for (int i = 0; i < colour_count && i < 256; i++) {
        reader->colours[i][0] = palette[i].red;
        reader->colours[i][1] = palette[i].green;
        reader->colours[i][2] = palette[i].blue;
    }
}

/// Pixels as the library gives them to red, green, blue. Greys of 16 bits are clipped to 8 rather than scaled: Pillow's
/// way.
static void convert(const png_reader *reader, const uint8_t *restrict row, uint8_t *restrict pixels, size_t count) {
    switch (reader->pixel_byte_count) {
    case 1:
        for (size_t i = 0; i < count; i++) { memcpy(pixels + 3 * i, reader->colours[row[i]], 3); }
        break;
    case 2:
        for (size_t i = 0; i < count; i++) {
            pixels[3 * i] = pixels[3 * i + 1] = pixels[3 * i + 2] = row[2 * i] ? 255 : row[2 * i + 1];
        }
        break;
    default: memcpy(pixels, row, 3 * count);
    }
}

static void begin_attempt(png_reader *reader) {
    png_structp library = reader->library;
    const int depth = png_get_bit_depth(library, reader->info), colour = png_get_color_type(library, reader->info);
    const int is_palette = colour == PNG_COLOR_TYPE_PALETTE, is_deep_grey = colour == PNG_COLOR_TYPE_GRAY && depth == 16;
    reader->pixel_byte_count = is_palette ? 1 : is_deep_grey ? 2 : 3;
    if (is_palette) {
        png_set_packing(library);
        read_palette(reader);
    } else if (!is_deep_grey) {
        if (depth == 16) { png_set_strip_16(library); }
        if (colour & PNG_COLOR_MASK_ALPHA) { png_set_strip_alpha(library); }
        if (depth < 8) { png_set_expand_gray_1_2_4_to_8(library); }
        if (!(colour & PNG_COLOR_MASK_COLOR)) { png_set_gray_to_rgb(library); }
    }
    const int pass_count = png_set_interlace_handling(library);
    reader->is_interlaced = pass_count > 1;
    png_read_update_info(library, reader->info);
    const size_t row_byte_count = reader->width * reader->pixel_byte_count;
    if (png_get_rowbytes(library, reader->info) != row_byte_count) { png_error(library, "its rows misfit"); }
    const size_t row_count = reader->is_interlaced ? reader->height : 1;
    reader->rows = malloc(row_byte_count * row_count);
    if (!reader->rows) {
        reader->status = codec_lack_memory(reader->base.message);
        png_error(library, "no memory");
    }
    if (!reader->is_interlaced) { return; }
    for (int pass = 0; pass < pass_count; pass++) {
        for (size_t y = 0; y < reader->height; y++) { png_read_row(library, reader->rows + y * row_byte_count, NULL); }
    }
}

static codec_status begin(codec_reader *base, uint32_t denominator, codec_window *window) {
    png_reader *reader = (png_reader *)base;
    (void)denominator;
    if (setjmp(png_jmpbuf(reader->library))) { return reader->status; }
    if ((uint64_t)window->left + window->width > reader->width
        || (uint64_t)window->top + window->height > reader->height) {
        png_error(reader->library, "its size changed");
    }
    reader->window = *window;
    reader->next_row = window->top;
    begin_attempt(reader);
    return codec_ok;
}

/// The next row that has not been read, or one of the whole picture.
static const uint8_t *row_at(png_reader *reader, uint32_t y) {
    if (reader->is_interlaced) { return reader->rows + (size_t)y * reader->width * reader->pixel_byte_count; }
    for (; reader->read_count <= y; reader->read_count++) { png_read_row(reader->library, reader->rows, NULL); }
    return reader->rows;
}

static codec_status read_rows(codec_reader *base, uint8_t *pixels, size_t stride, uint32_t row_count) {
    png_reader *reader = (png_reader *)base;
    if (setjmp(png_jmpbuf(reader->library))) { return reader->status; }
    const codec_window *window = &reader->window;
    for (uint32_t i = 0; i < row_count; i++, reader->next_row++) {
        const uint8_t *row = row_at(reader, reader->next_row) + window->left * reader->pixel_byte_count;
        convert(reader, row, pixels + i * stride, window->width);
    }
    return codec_ok;
}

static codec_status finish(codec_reader *base) {
    png_reader *reader = (png_reader *)base;
    if (setjmp(png_jmpbuf(reader->library))) { return reader->status; }
    row_at(reader, reader->height - 1);
    return codec_ok;
}

static void close_reader(codec_reader *base) {
    png_reader *reader = (png_reader *)base;
    png_destroy_read_struct(&reader->library, &reader->info, NULL);
    free(reader->rows);
    free(reader);
}

static const codec_verbs verbs = {0, begin, read_rows, finish, close_reader};

/// Reads the header; errors end it early, with the reader's status set.
static codec_status open_attempt(png_reader *reader, codec_size *size) {
    if (setjmp(png_jmpbuf(reader->library))) { return reader->status; }
    open_reader(reader);
    size->width = reader->width = png_get_image_width(reader->library, reader->info);
    size->height = reader->height = png_get_image_height(reader->library, reader->info);
    return codec_ok;
}

codec_status codec_open_png(
    const uint8_t *bytes, size_t count, codec_reader **opened, codec_size *size, codec_message *message) {
    png_reader *reader = calloc(1, sizeof *reader);
    *opened = (codec_reader *)reader;
    if (!reader) { return codec_lack_memory(message); }
    reader->base.verbs = &verbs;
    reader->base.message = message;
    reader->bytes = bytes;
    reader->count = count;
    reader->library = png_create_read_struct(PNG_LIBPNG_VER_STRING, reader, on_error, on_warning);
    reader->info = reader->library ? png_create_info_struct(reader->library) : NULL;
    return reader->info ? open_attempt(reader, size) : codec_lack_memory(message);
}

int64_t codec_inflate(const uint8_t *bytes, size_t count, uint8_t *output, size_t capacity) {
    uLongf written = capacity;
    return uncompress(output, &written, bytes, count) == Z_OK ? (int64_t)written : -1;
}
