using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace TorchSharpSoftmax.Benchmarks;

/// <summary>
/// libtorch's own `out=` forms, which TorchSharp does not expose: its best setting, so what we are to be measured against. They are reached through
/// the C ABI of native/libtorchsharp; with TorchSharp from NuGet there is none, and the rows that need them are left empty.
/// </summary>
internal static unsafe partial class Peer
{
    private const string Library = "libtorchsharp";

    private enum Tag
    {
        Tensor = 1,
        Int = 2,
        Bool = 4,
    }

    private static nint SoftmaxOperator => field != 0 ? field : field = ts_operator("_softmax.out");

    private static nint LogSoftmaxOperator => field != 0 ? field : field = ts_operator("_log_softmax.out");

    private static nint BackwardOperator => field != 0 ? field : field = ts_operator("_softmax_backward_data.out");

    private static nint ProductOperator => field != 0 ? field : field = ts_operator("mm.out");

    /// <summary>For what cannot be left empty by failing.</summary>
    public static bool IsThere { get; } = NativeLibrary.TryLoad(Library, typeof(Peer).Assembly, null, out _);

    public static void MatrixProductOut(Tensor a, Tensor b, Tensor c) => Call(ProductOperator, [new(Tag.Tensor, a.Handle), new(Tag.Tensor, b.Handle), new(Tag.Tensor, c.Handle)]);

    public static void SoftmaxOut(Tensor x, long dim, Tensor y) => SoftmaxOut(SoftmaxOperator, x, dim, y);

    public static void LogSoftmaxOut(Tensor x, long dim, Tensor y) => SoftmaxOut(LogSoftmaxOperator, x, dim, y);

    private static void SoftmaxOut(nint op, Tensor x, long dim, Tensor y) =>
        Call(op, [new(Tag.Tensor, x.Handle), new(Tag.Int, (nint)dim), new(Tag.Bool, 0), new(Tag.Tensor, y.Handle)]);

    public static void SoftmaxBackwardOut(Tensor dy, Tensor y, long dim, Tensor dx) =>
        Call(BackwardOperator,
            [new(Tag.Tensor, dy.Handle), new(Tag.Tensor, y.Handle), new(Tag.Int, (nint)dim), new(Tag.Int, (nint)(int)y.dtype), new(Tag.Tensor, dx.Handle)]);

    private static void Call(nint op, ReadOnlySpan<Value> arguments)
    {
        Value result = default;
        fixed (Value* first = arguments)
        {
            if (ts_call(op, first, arguments.Length, &result, 1) != 1)
            {
                throw new InvalidOperationException(Marshal.PtrToStringUTF8(ts_last_error()));
            }
        }

        ts_release(result.First);
    }

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint ts_operator(string name);

    [LibraryImport(Library)]
    private static partial int ts_call(nint op, Value* arguments, int count, Value* results, int capacity);

    [LibraryImport(Library)]
    private static partial nint ts_last_error();

    [LibraryImport(Library)]
    private static partial void ts_release(nint handle);

    /// <summary>The C ABI's argument: a tag and two words.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly struct Value(Tag tag, nint first)
    {
        public readonly int Kind = (int)tag;
        public readonly int Extra;
        public readonly nint First = first;
        public readonly nint Second;
    }
}
