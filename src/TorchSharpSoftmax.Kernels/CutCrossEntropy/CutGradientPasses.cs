using System.Runtime.CompilerServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>The walks that turn a block of logits into their gradients, in place.</summary>
internal static unsafe class CutGradientPasses<V, T>
    where V : unmanaged, ILanes<V, T>
    where T : unmanaged
{
    private const MethodImplOptions OnePass = MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization;

    /// <summary>x = factor * probability * slope.</summary>
    [MethodImpl(OnePass)]
    internal static void Write<L>(CutBlock<T> x, CutFactors<T> factors) where L : struct, ICutLink<L, V, T>
    {
        L link = L.New();
        for (nint n = 0; n < x.Columns; n += V.Count)
        {
            V frame = V.Load(factors.Frame + n), factor = V.Load(factors.Factor + n);
            T* at = x.At + n, end = at + x.Rows * x.Columns;
            for (; at < end; at += x.Columns)
            {
                V logit = V.Load(at);
                V.Store(link.Share(logit, frame, factor) * link.Slope(logit), at);
            }
        }
    }

    /// <summary>
    /// x = (factor * probability * (whole - ofEntropy * (log term - level)) - spread * weight - ofTargets * weight * target) * slope * the cap's slope. Target, weight and cap may
    /// be missing: null, null and 0.
    /// </summary>
    [MethodImpl(OnePass)]
    internal static void WriteAll<L>(CutBlock<T> x, CutFactors<T> factors, T* weight, T* target, T cap) where L : struct, ICutLink<L, V, T>
    {
        L link = L.New();
        V one = V.Broadcast(Const.Of<T>(1)), zero = V.Broadcast(Const.Of<T>(0)), lowest = V.Broadcast(Const.Of<T>(-1e4)); // there the probability is 0
        bool capped = Const.ToDouble(cap) > 0;
        V perCap = capped ? one / V.Broadcast(cap) : zero;
        for (nint n = 0; n < x.Columns; n += V.Count)
        {
            V frame = V.Load(factors.Frame + n), factor = V.Load(factors.Factor + n), spread = V.Load(factors.Spread + n);
            V whole = V.Load(factors.Whole + n), ofEntropy = V.Load(factors.OfEntropy + n), level = V.Load(factors.Level + n), ofTargets = V.Load(factors.OfTargets + n);
            T* at = x.At + n;
            for (nint row = 0; row < x.Rows; row++, at += x.Columns)
            {
                V logit = V.Load(at), w = weight == null ? one : V.Broadcast(weight[x.First + row]);
                V part = V.AtLeast(link.LogTerm(logit) - level, lowest);
                V share = link.Share(logit, frame, factor);
                share *= whole - ofEntropy * part;
                share -= spread * w;
                if (target != null) share -= ofTargets * w * V.Load(target + row * x.Columns + n);
                V ratio = capped ? logit * perCap : zero; // a masked logit is infinite
                V.Store(share * link.Slope(logit) * (one - ratio * ratio), at);
            }
        }
    }

    /// <summary>sums[class] += the sum of its row.</summary>
    [MethodImpl(OnePass)]
    internal static void AddRows(CutBlock<T> x, nint columns, double* sums)
    {
        for (nint row = 0; row < x.Rows; row++)
        {
            T* at = x.At + row * x.Columns;
            V sum = V.Broadcast(Const.Of<T>(0));
            for (nint n = 0; n < columns; n += V.Count) sum += columns - n >= V.Count ? V.Load(at + n) : V.LoadPart(at + n, columns - n, Const.Of<T>(0));
            sums[x.First + row] += Const.ToDouble(V.Sum(sum));
        }
    }

    /// <summary>Of the rows of one panel, which have an entry that is not below its least size, or NaN: their numbers, and how many.</summary>
    [MethodImpl(OnePass)]
    internal static nint Keep(CutBlock<T> x, nint column, nint columns, CutFactors<T> factors, long* kept)
    {
        nint count = 0;
        V huge = V.Broadcast(Const.Of<T>(float.MaxValue, double.MaxValue)); // for NaN; less the infinity of a lane without a token it is a number
        for (nint row = 0; row < x.Rows; row++)
        {
            T* at = x.At + row * x.Columns + column;
            V most = V.Broadcast(Const.Of<T>(double.NegativeInfinity));
            for (nint n = 0; n < columns; n += V.Count)
            {
                V left = V.WhereNaN(V.Load(at + n), huge, V.Abs(V.Load(at + n)));
                V above = left - V.Load(factors.Least + column + n);
                most = V.AtLeast(above, most);
            }
            kept[count] = row;
            count += Const.ToDouble(V.Max(most)) >= 0 ? 1 : 0;
        }
        return count;
    }

    /// <summary>Of each entry below its least size: with the probability size / least it becomes as large as that, else 0.</summary>
    [MethodImpl(OnePass)]
    internal static void Draw(CutBlock<T> x, nint columns, long* tokens, CutFactors<T> factors, ulong seed)
    {
        for (nint row = 0; row < x.Rows; row++)
        {
            T* at = x.At + row * x.Columns;
            for (nint n = 0; n < columns; n++)
            {
                double value = Const.ToDouble(at[n]), size = Math.Abs(value), least = Const.ToDouble(factors.Least[n]);
                if (!(size < least) || size == 0) continue; // a NaN stays
                ulong hash = Mix(Mix(seed ^ (ulong)tokens[n]) ^ (ulong)(x.First + row));
                at[n] = Const.Of<T>((hash >> 11) * (1.0 / (1UL << 53)) * least < size ? Math.CopySign(least, value) : 0);
            }
        }
    }

    /// <summary>A counter's bits, well mixed: multiplications by odd numbers and shifts, one to one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Mix(ulong x)
    {
        x += 0x9E37_79B9_7F4A_7C15;
        x = (x ^ (x >> 30)) * 0xBF58_476D_1CE4_E5B9;
        x = (x ^ (x >> 27)) * 0x94D0_49BB_1331_11EB;
        return x ^ (x >> 31);
    }
}
