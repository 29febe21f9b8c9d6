using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Numerics;
using System.Text;
using static TorchSharp.torch;

namespace TorchSharp;

/// <summary>A tensor as text, in the three layouts that TorchSharp has besides the line of metadata.</summary>
internal sealed class TensorPrinter(string format, int width, CultureInfo culture, string newLine)
{
    private const string Ellipsis = "...";

    private readonly StringBuilder text = new();

    internal static string Metadata(Tensor t) => $"[{string.Join("x", t.shape)}], type = {t.dtype}, device = {t.device}";

    /// <summary>Metadata, then columns that line up; one block for each index of the leading dimensions.</summary>
    internal string Julia(Tensor t)
    {
        text.Append(Metadata(t));
        if (t.ndim == 0)
        {
            text.Append(", value = ").Append(Element(t));
        }
        else if (t.ndim == 1)
        {
            text.Append(newLine);
            Columns([Row(t)], t.size(0));
        }
        else
        {
            if (t.ndim == 2) text.Append(newLine);
            Blocks(t, new List<long>());
        }
        return text.ToString();
    }

    /// <summary>Nested brackets.</summary>
    internal string Numpy(Tensor t)
    {
        Nested(t, t.ndim, "[", "]", string.Empty, dim => string.Concat(Enumerable.Repeat(newLine, (int)dim - 1)), true);
        return text.ToString();
    }

    /// <summary>Metadata, then an array as C# writes it.</summary>
    internal string CSharp(Tensor t)
    {
        text.Append(Metadata(t)).Append(", value = ");
        if (t.ndim == 0) return text.Append(Element(t)).ToString();
        if (t.ndim > 1) text.Append(newLine);
        var (name, suffix) = t.dtype switch
        {
            ScalarType.Bool => ("bool", string.Empty),
            ScalarType.Byte => ("byte", string.Empty),
            ScalarType.Int8 => ("sbyte", string.Empty),
            ScalarType.Int16 => ("short", string.Empty),
            ScalarType.Int32 => ("int", string.Empty),
            ScalarType.Int64 => ("long", "L"),
            ScalarType.Float16 => ("float16", "f"),
            ScalarType.BFloat16 => ("bfloat16", "f"),
            ScalarType.Float32 => ("float", "f"),
            ScalarType.Float64 => ("double", string.Empty),
            ScalarType.ComplexFloat32 => ("complex32", string.Empty),
            _ => ("complex64", string.Empty),
        };
        text.Append(name).Append(" [").Append(',', (int)t.ndim - 1).Append("] {");
        if (t.ndim > 1)
        {
            text.Append(newLine).Append(' ');
            Items(t, t.ndim, "{", "}", suffix, _ => "," + newLine);
            text.Append(newLine).Append('}');
        }
        else
        {
            Items(t, t.ndim, "{", "}", suffix, _ => string.Empty);
            text.Append('}');
        }
        return text.ToString();
    }

    private void Nested(Tensor t, long top, string open, string close, string suffix, Func<long, string> separator, bool first)
    {
        if (!first) text.Append(' ', (int)(top - t.ndim));
        if (t.ndim == 0)
        {
            text.Append(Element(t)).Append(suffix);
            return;
        }
        text.Append(open);
        Items(t, top, open, close, suffix, separator);
        text.Append(close);
    }

    private void Items(Tensor t, long top, string open, string close, string suffix, Func<long, string> separator)
    {
        var size = t.size(0);
        var most = t.ndim == 1 ? maxColumns : maxRows;
        var head = size <= most ? size : most - (most / 2);
        var tail = size <= most ? size : size - (most / 2);
        for (long i = 0; i < size; i++)
        {
            if (i == head && head < tail)
            {
                if (t.ndim == 1) text.Append(Ellipsis).Append(' ');
                else text.Append(' ', (int)(top - t.ndim)).Append(' ').Append(Ellipsis).Append(newLine);
                i = tail;
            }
            using var item = t.select(0, i);
            Nested(item, top, open, close, suffix, separator, i == 0 || t.ndim == 1);
            if (i + 1 < size) text.Append(t.ndim == 1 ? ", " : separator(t.ndim));
        }
    }

    private void Blocks(Tensor t, List<long> index)
    {
        if (t.ndim == 2)
        {
            if (index.Count > 0) text.Append(newLine).Append('[').AppendJoin(',', index).Append(",..,..] =").Append(newLine);
            var rows = new List<List<string>>();
            for (long i = 0; i < t.size(0); i++)
            {
                using var row = t.select(0, i);
                rows.Add(Row(row));
            }
            Columns(rows, t.size(1));
            return;
        }
        for (long i = 0; i < t.size(0); i++)
        {
            using var part = t.select(0, i);
            Blocks(part, [.. index, i]);
        }
    }

    /// <summary>As many elements as the line has room for.</summary>
    private List<string> Row(Tensor t)
    {
        var row = new List<string>();
        var left = width;
        for (long i = 0; i < t.size(0); i++)
        {
            using var item = t.select(0, i);
            var element = Element(item);
            if (left - element.Length - Ellipsis.Length - 1 < 0) break;
            row.Add(element);
            left -= element.Length + 1;
        }
        return row;
    }

    private void Columns(List<List<string>> rows, long columns)
    {
        var shown = rows.Count == 0 ? 0 : rows.Min(row => row.Count);
        var widths = Enumerable.Range(0, shown).Select(c => rows.Max(row => row[c].Length)).ToArray();
        foreach (var row in rows)
        {
            for (var c = 0; c < shown; c++) text.Append(' ').Append(row[c].PadLeft(widths[c]));
            if (shown < columns) text.Append(' ').Append(Ellipsis);
            text.Append(newLine);
        }
    }

    private string Element(Tensor t)
    {
        var value = t.ToScalar();
        return t.dtype switch
        {
            ScalarType.Bool => value.ToBoolean().ToString(culture),
            ScalarType.Float64 => value.ToDouble().ToString(format, culture),
            ScalarType.ComplexFloat32 or ScalarType.ComplexFloat64 => Number(value.ToComplexFloat64()),
            var type when is_integral(type) => value.ToInt64().ToString(culture),
            _ => value.ToSingle().ToString(format, culture),
        };
    }

    private string Number(Complex value)
    {
        var real = value.Real != 0 || value.Imaginary == 0 ? value.Real.ToString(format, culture) : string.Empty;
        if (value.Imaginary == 0) return real;
        return real + (real.Length > 0 ? "+" : string.Empty) + value.Imaginary.ToString(format, culture) + "i";
    }
}
