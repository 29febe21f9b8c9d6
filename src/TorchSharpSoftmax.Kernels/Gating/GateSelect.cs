using System.Numerics;
using System.Runtime.CompilerServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>The k largest of each lane's numbers, sorted, with the place of each; of equal ones the first stands first.</summary>
/// <remarks>
/// A number is compared with every slot of the list as it was, never with what it displaced: that would reorder equals. NaN counts as -infinity, so that every slot
/// holds another place. Places are numbers of the computing type, exact up to 2^24.
/// </remarks>
internal static unsafe class GateSelect<V, T>
    where V : unmanaged, ILanes<V, T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private const MethodImplOptions OnePass = MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization;

    /// <summary>Fills k vectors of values and of places from n; bad becomes NaN in a lane with a NaN, else 0.</summary>
    internal static void Run(T* x, nint n, nint k, T* values, T* places, T* bad)
    {
        if (k == 1) One(x, n, values, places, bad);
        else if (k == 2) Two(x, n, values, places, bad);
        else Any(x, n, k, values, places, bad);
    }

    [MethodImpl(OnePass)]
    private static void One(T* x, nint n, T* values, T* places, T* bad)
    {
        nint w = V.Count;
        V least = V.Broadcast(Const.Of<T>(double.NegativeInfinity)), one = V.Broadcast(Const.Of<T>(1)), at = V.Broadcast(Const.Of<T>(0)), wrong = at;
        V v0 = Number(V.Load(x), least, ref wrong), i0 = at;
        for (nint e = 1; e < n; e++)
        {
            x += w;
            at += one;
            V v = Number(V.Load(x), least, ref wrong);
            i0 = V.WhereLess(v0, v, at, i0);
            v0 = V.AtLeast(v0, v);
        }
        V.Store(v0, values);
        V.Store(i0, places);
        V.Store(wrong, bad);
    }

    [MethodImpl(OnePass)]
    private static void Two(T* x, nint n, T* values, T* places, T* bad)
    {
        nint w = V.Count;
        V least = V.Broadcast(Const.Of<T>(double.NegativeInfinity)), one = V.Broadcast(Const.Of<T>(1)), zero = V.Broadcast(Const.Of<T>(0)), wrong = zero;
        V first = Number(V.Load(x), least, ref wrong), second = Number(V.Load(x + w), least, ref wrong), at = one;
        V v0 = V.AtLeast(first, second), i0 = V.WhereLess(first, second, one, zero);
        V v1 = V.WhereLess(first, second, first, second), i1 = V.WhereLess(first, second, zero, one);
        x += w;
        for (nint e = 2; e < n; e++)
        {
            x += w;
            at += one;
            V v = Number(V.Load(x), least, ref wrong);
            i1 = V.WhereLess(v1, v, V.WhereLess(v0, v, i0, at), i1);
            v1 = V.AtLeast(v1, V.AtMost(v, v0));
            i0 = V.WhereLess(v0, v, at, i0);
            v0 = V.AtLeast(v0, v);
        }
        V.Store(v0, values);
        V.Store(v1, values + w);
        V.Store(i0, places);
        V.Store(i1, places + w);
        V.Store(wrong, bad);
    }

    [MethodImpl(OnePass)]
    private static void Any(T* x, nint n, nint k, T* values, T* places, T* bad)
    {
        nint w = V.Count;
        V least = V.Broadcast(Const.Of<T>(double.NegativeInfinity)), one = V.Broadcast(Const.Of<T>(1)), zero = V.Broadcast(Const.Of<T>(0)), at = zero, wrong = zero;
        for (nint e = 0; e < n; e++, x += w, at += one)
        {
            V v = Number(V.Load(x), least, ref wrong);
            nint slot = (k - 1) * w;
            if (e < k) // the slot behind the list's end takes what is pushed out of it, or the number itself
            {
                slot = e * w;
                V last = e == 0 ? v : V.Load(values + slot - w), lastPlace = e == 0 ? at : V.Load(places + slot - w);
                V.Store(V.WhereLess(last, v, last, v), values + slot);
                V.Store(V.WhereLess(last, v, lastPlace, at), places + slot);
                slot -= w;
                if (e == 0) continue;
            }
            V kept = V.Load(values + slot), place = V.Load(places + slot);
            if (V.Max(V.WhereLess(kept, v, one, zero)) == Const.Of<T>(0)) continue;
            for (; slot > 0; slot -= w)
            {
                V above = V.Load(values + slot - w), abovePlace = V.Load(places + slot - w);
                V.Store(V.WhereLess(kept, v, V.WhereLess(above, v, abovePlace, at), place), places + slot);
                V.Store(V.AtLeast(kept, V.AtMost(v, above)), values + slot);
                kept = above;
                place = abovePlace;
            }
            V.Store(V.WhereLess(kept, v, at, place), places);
            V.Store(V.AtLeast(kept, v), values);
        }
        V.Store(wrong, bad);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Number(V x, V least, ref V wrong)
    {
        wrong = V.WhereNaN(x, x, wrong);
        return V.WhereNaN(x, least, x);
    }
}
